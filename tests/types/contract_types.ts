/**
 * What the compiler must make of patterns and schemas. Checked by `deno check`; never run.
 */

import * as v from "valibot";
import { defineContract } from "@trunkline/hub/contract";
import type { InputOf, OutputOf, ParamsOf, PatternOf, Schema, TopicNames } from "@trunkline/hub/contract";

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

// A name leads to the pattern that it fits segment by segment, also where a shorter one would take any text.
type Patterns = "stats" | "room/:id" | "room/lobby" | "room/:id/:day" | "room/:id/log" | ":any" | "a/b/:c";
same<PatternOf<Patterns, "stats">, "stats">(true);
same<PatternOf<Patterns, "room/1">, "room/:id">(true);
same<PatternOf<Patterns, "room/lobby">, "room/lobby">(true);
same<PatternOf<Patterns, "other">, ":any">(true);
same<PatternOf<Patterns, "a/b/1">, "a/b/:c">(true);
same<PatternOf<Patterns, `room/${string}`>, "room/:id">(true);
same<PatternOf<Patterns, `room/${string}/log`>, "room/:id/:day" | "room/:id/log">(true);
same<PatternOf<"room/:id" | "room/:id/:day", "room/1/2">, "room/:id/:day">(true);
same<PatternOf<"room/:id" | "room/:id/:day", "room/1">, "room/:id">(true);
same<PatternOf<"room/:id" | "seat/:id", "room/1" | "seat/2">, "room/:id" | "seat/:id">(true);
same<PatternOf<Patterns, "a/b">, never>(true);
same<PatternOf<Patterns, "room/1/2/3">, never>(true);
same<PatternOf<never, "stats">, never>(true);
same<PatternOf<string, "stats">, "stats">(true);
same<TopicNames<{ "stats": 1; "room/:id": 1 }>, "stats" | `room/${string}`>(true);
same<ParamsOf<"room/:id/:day">, { readonly id: string; readonly day: string }>(true);

// A schema declares its types; a schema without declared types accepts and returns `unknown`.
same<InputOf<Schema<string, number>>, string>(true);
same<OutputOf<Schema<string, number>>, number>(true);
same<InputOf<Schema<string | undefined, never>>, string | undefined>(true);
same<OutputOf<Schema<string | undefined, never>>, never>(true);
interface Silent {
  readonly "~standard": { readonly version: 1; readonly types?: undefined };
}
same<InputOf<Silent>, unknown>(true);
same<OutputOf<Silent>, unknown>(true);
same<InputOf<{ readonly validate: () => void }>, never>(true);

// What has to answer at once.
const later = v.objectAsync({ room: v.string() });
// @ts-expect-error an asynchronous schema on a signal
defineContract({ roles: { m: { clientToServer: { typing: { payload: later } } } } });
// @ts-expect-error an asynchronous schema on a topic
defineContract({ roles: { m: { topics: { typing: { payload: later } } } } });
// @ts-expect-error an asynchronous schema of states
defineContract({ roles: { m: {} }, presence: { "room/:id": later } });
defineContract({ roles: { m: { clientToServer: { typing: { input: later, output: later } } } } });
