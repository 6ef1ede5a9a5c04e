/**
 * Values that hurt: names of prototypes, odd Unicode, messages of the wire and what becomes of them on the way.
 *
 * @module
 */

import fc from "fast-check";
import type { BusMessage } from "../../hub/backplane/bus_wire.ts";

/** Names that stand for something else somewhere in a runtime. */
export const AWKWARD = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "then",
  "toJSON",
  "length",
  "0",
  "",
  " ",
  "\u0000",
  "\u2028",
  "é",
  "e\u0301",
  "👩‍👩‍👧",
  "\ud800",
  ":",
  "*",
  ">",
  ".",
  "..",
  "%2F",
] as const;

/** Any text. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...AWKWARD),
  fc.string(),
  fc.string({ unit: "binary" }),
);

/** Anything that `JSON.parse` makes, with awkward names as keys. */
export const json: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.oneof(fc.constant(null), fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true }), text),
    fc.array(tie("value"), { maxLength: 4 }),
    // Written as text, because a literal `__proto__` would set the prototype.
    fc.array(fc.tuple(text, tie("value")), { maxLength: 4 }).map((entries) =>
      JSON.parse(
        `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`,
      )
    ),
  ),
})).value.map((value) => JSON.parse(JSON.stringify(value)));

const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const count = fc.maxSafeNat();
const wireError = fc.record({ code: text, message: text, data: json }, { requiredKeys: ["code", "message"] });
const position = fc.tuple(text, count);

/** A kind, what must follow, and what may. */
function message(
  kind: string,
  required: readonly fc.Arbitrary<unknown>[] = [],
  optional?: fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown[]> {
  const bare = fc.tuple(fc.constant(kind), ...required) as fc.Arbitrary<unknown[]>;
  return optional ? fc.oneof(bare, fc.tuple(bare, optional).map(([head, tail]) => [...head, tail])) : bare;
}

const calls = [
  message("req", [id, text], json),
  message("res", [id], json),
  message("err", [id, wireError]),
  message("cancel", [id]),
  message("ping"),
  message("pong"),
];

const by = fc.constantFrom("user", "connection");
const watchOptions = fc.record({ by, later: json }, { requiredKeys: [] });
const membersQuery = fc.record(
  { by, limit: fc.integer({ min: 1, max: 2_000 }), cursor: text, later: json },
  { requiredKeys: [] },
);

/** Members, and the nodes that they are on. */
const members = (name: "all" | "in" | "members") =>
  fc.array(text, { minLength: 1, maxLength: 3 }).chain((nodes) =>
    fc.record({
      nodes: fc.constant(nodes),
      [name]: fc.array(
        message("", [fc.oneof(text, fc.constantFrom(0, 1)), fc.nat({ max: nodes.length - 1 })], json)
          .chain(([_, ...rest]) => text.map((id) => [id, ...rest])),
        { maxLength: 3 },
      ),
    })
  );

const flags = fc.record(
  {
    out: fc.array(text, { maxLength: 3 }),
    more: fc.boolean(),
    count,
    listed: fc.boolean(),
    synced: fc.boolean(),
  },
  { requiredKeys: [] },
);

/** Whatever a server may tell of a place. */
export const whoChange: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  flags,
  fc.record({ error: wireError }),
  fc.tuple(fc.oneof(members("all"), members("in")), flags).map(([some, more]) => ({ ...some, ...more })),
);

/** The answers of a server to a request for members. */
export const membersPage: fc.Arbitrary<Record<string, unknown>> = fc.tuple(
  members("members"),
  fc.record({ count, cursor: text }, { requiredKeys: ["count"] }),
).map(([some, more]) => ({ ...some, ...more }));

/** Whatever a client may send. */
export const clientMessage: fc.Arbitrary<unknown[]> = fc.oneof(
  ...calls,
  message("hello", [fc.record({ role: text, token: text, later: json }, { requiredKeys: ["role"] })]),
  message("sig", [text], json),
  message("sub", [id, text], fc.record({ since: position, later: json }, { requiredKeys: [] })),
  message("unsub", [text]),
  message("watch", [id, text], watchOptions),
  message("unwatch", [text, by]),
  message("state", [id, text], json),
  message("members", [id, text], membersQuery),
);

/** Whatever a server may send. */
export const serverMessage: fc.Arbitrary<unknown[]> = fc.oneof(
  ...calls,
  message("welcome", [
    fc.record({ connection: text, node: text, heartbeatMs: count, maxFrameBytes: fc.integer({ min: 256 }) }),
  ]),
  message("fault", [wireError], text),
  message("ev", [text], json),
  message("in", [text]),
  message("out", [text], wireError),
  message("pub", [text], json),
  message("rec", [text, count], json),
  message("gap", [text, position]),
  message("end", [text, wireError]),
  message("who", [text, by, whoChange]),
  message("move", [count]),
);

const card = fc.record({
  incarnation: count,
  startedAt: count,
  connections: count,
  rank: fc.nat(2 ** 31 - 1),
  highest: fc.nat(2 ** 31 - 1),
  leader: fc.string(),
});

const presenceOp = fc.oneof(
  fc.tuple(text),
  fc.tuple(text, fc.option(text)),
  fc.tuple(text, fc.option(text), json),
);
/** The end of a message of presence: a time, then places, each with what changed there. */
const presenceChanges: fc.Arbitrary<unknown[]> = fc.tuple(
  fc.maxSafeInteger(),
  fc.array(fc.tuple(text, fc.array(fc.oneof(presenceOp, fc.maxSafeInteger()))), { maxLength: 3 }),
).map(([at, places]) => [at, ...places.flatMap(([place, parts]) => [place, ...parts])]);

/** The messages of a node about members. */
export const presenceMessage: fc.Arbitrary<unknown[]> = fc.oneof(
  fc.tuple(fc.nat(), fc.nat(), presenceChanges).map(([from, count, rest]) => ["pd", from, count, ...rest]),
  fc.tuple(fc.nat(), fc.nat(20), fc.nat(20), presenceChanges).map((
    [version, index, more, rest],
  ) => ["pp", version, index, index + more + 1, ...rest]),
  message("pv", [count]),
  message("pa", [count, count]),
  message("pq", [count, count, count]),
);

/** A node's message about a change in a place. */
const placePut = fc.oneof(
  fc.tuple(text, fc.option(text), fc.maxSafeInteger()),
  fc.tuple(text, fc.option(text), fc.maxSafeInteger(), text),
);

/** Whatever a node may send. */
export const busMessage: fc.Arbitrary<BusMessage> = fc.oneof(
  message("ev", [text, fc.option(text)], json),
  message("evs", [text, fc.array(text), text, fc.option(text)], json),
  message("pub", [json]),
  message("in", [text, count]),
  message("in", [text, count, fc.array(placePut, { maxLength: 3 }), fc.array(text, { maxLength: 3 })]),
  message("user", [text, text, json]),
  message("to", [text, text, json]),
  message("shut", [text, text]),
  message("bus", [text, json]),
  message("hello", [card]),
  message("here", [card, fc.option(fc.array(text))]),
  message("beat", [card]),
  message("dead", [count]),
  message("bye"),
  message("ping", [count]),
  message("pong", [count]),
  message("cancel", [count]),
  message("ask", [count, text, json]),
  message("ans", [count, json]),
  message("fail", [count, wireError]),
  presenceMessage,
) as fc.Arbitrary<readonly unknown[]> as fc.Arbitrary<BusMessage>;

/** Pieces that change what a frame means. */
const PIECES = [
  "[",
  "]",
  "{",
  "}",
  ",",
  ":",
  '"',
  "\\",
  "null",
  "-1",
  "0",
  "1e999",
  "1.5",
  "9007199254740993",
  "[]",
  "{}",
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '"__proto__"',
  "\u0000",
  "\ufeff",
  "\ud800",
] as const;

/** A change to a text, at a place between 0 (start) and 1 (end). */
type Mutation = (text: string) => string;

const place = fc.double({ min: 0, max: 1, noNaN: true });
const mutation: fc.Arbitrary<Mutation> = fc.tuple(
  fc.constantFrom("cut", "copy", "insert", "end"),
  place,
  fc.nat({ max: 12 }),
  fc.constantFrom(...PIECES),
).map(([how, at, length, piece]) => (text) => {
  const start = Math.floor(at * text.length);
  const [head, middle, tail] = [
    text.slice(0, start),
    text.slice(start, start + length),
    text.slice(start + length),
  ];
  if (how === "cut") return head + tail;
  if (how === "copy") return head + middle + middle + tail;
  if (how === "insert") return head + piece + tail;
  return head;
});

/**
 * A frame of such messages, damaged on the way.
 *
 * @param messages What the frame holds at first.
 */
export function damaged(messages: fc.Arbitrary<readonly unknown[]>): fc.Arbitrary<string> {
  return fc.tuple(fc.array(messages, { maxLength: 4 }), fc.array(mutation, { minLength: 1, maxLength: 5 }))
    .map(([list, mutations]) => mutations.reduce((frame, mutate) => mutate(frame), JSON.stringify(list)));
}
