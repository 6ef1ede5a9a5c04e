/**
 * The messages of a room with history, as the store keeps them and as clients get them. A message consists of an event
 * and the connection that does not get it, if any.
 *
 * @module
 */

import { type Entry, HubError, type Position, promiseOf, readJson, type Schema } from "../../contract/mod.ts";
import type { Connection } from "../connection/connection.ts";
import { DROPPABLE, OutgoingMessage } from "../outbox/outgoing_message.ts";
import { SharedRecord } from "../outbox/shared_record.ts";
import type { RecordForm } from "./record_form.ts";
import type { Registry } from "./registry.ts";

/** A broadcast, as the store keeps it. */
export type RoomRecord = readonly [except: string | null, event: string, payload?: unknown];

/** The start of a record as text: the connection that is left out, and the event. */
const HEAD = /^\[(null|"(?:[^"\\]|\\.)*"),("(?:[^"\\]|\\.)*")/;

/**
 * The schema of a record in the store. The schema of its event checks the payload.
 *
 * @param entries The events that the server sends, by name.
 */
export function roomRecordSchema(entries: ReadonlyMap<string, Entry>): Schema<unknown, RoomRecord> {
  return { "~standard": { version: 1, vendor: "trunkline", validate } };

  function validate(value: unknown): ReturnType<Schema<unknown, RoomRecord>["~standard"]["validate"]> {
    const [except, event, payload]: readonly unknown[] = Array.isArray(value) ? value : [];
    if (except !== null && typeof except !== "string" || typeof event !== "string") {
      return { issues: [{ message: "not a message of a room" }] };
    }
    const schema = entries.get(event)?.payload;
    if (!schema) return { issues: [{ message: `the contract has no event "${event}"` }] };
    const result = schema["~standard"].validate(payload);
    const later = promiseOf(result);
    if (later) return later as Promise<never>; // the caller that parses refuses it
    const { issues, value: parsed } = result as { issues?: []; value?: unknown };
    return issues ? { issues } : { value: roomRecord(except, event, parsed) };
  }
}

/** Makes a record. A payload of `undefined` is left out. */
export function roomRecord(except: string | null, event: string, payload: unknown): RoomRecord {
  return payload === undefined ? [except, event] : [except, event, payload];
}

/** A broadcast on its way to clients. */
class RoomMessage extends SharedRecord {
  readonly event: string;
  readonly except: string | null;
  readonly #room: string;
  /** The payload as JSON, with the comma before it; empty without a payload. */
  readonly #rest: string;
  #hidden: OutgoingMessage | undefined;
  #plain: OutgoingMessage | undefined;

  constructor(room: string, offset: number, data: string, ageMs?: number) {
    const head = HEAD.exec(data);
    if (!head) throw new HubError("BAD_REQUEST", `Cannot read a message of the history of room "${room}"`);
    const [{ length }, except, name] = head as unknown as [string, string, string];
    const rest = data.slice(length, -1);
    const event = JSON.parse(name) as string;
    super(
      { offset, data, ageMs },
      () => rest ? ["rev", room, offset, event, readJson(rest.slice(1))] : ["rev", room, offset, event],
      () => `["rev",${JSON.stringify(room)},${offset},${name}${rest}]`,
    );
    this.event = event;
    this.except = JSON.parse(except) as string | null;
    this.#room = room;
    this.#rest = rest;
  }

  get hidden(): OutgoingMessage {
    return this.#hidden ??= new OutgoingMessage(["rev", this.#room, this.offset]);
  }

  get plain(): OutgoingMessage {
    return this.#plain ??= new OutgoingMessage(
      () => this.#rest ? ["ev", this.event, readJson(this.#rest.slice(1))] : ["ev", this.event],
      DROPPABLE,
      () => `["ev",${JSON.stringify(this.event)}${this.#rest}]`,
    );
  }
}

/**
 * Makes the form of the messages of rooms.
 *
 * @param find Finds a connection of this node, or the newer connection of the same client on this node.
 */
export function createRoomForm(find: (id: string) => Connection | undefined): RecordForm {
  return {
    what: "room",
    message: (room, offset, data, ageMs) => new RoomMessage(room, offset, data, ageMs),
    deliver(registry: Registry, channel: string, message: RoomMessage) {
      registry.deliverRecord(channel, message, message.except === null ? undefined : find(message.except));
    },
    gap(registry: Registry, channel: string, room: string, position: Position) {
      const message = new OutgoingMessage(["room", room, { position, recovered: false }]);
      for (const conn of registry.members(channel)) if (conn.recovers) conn.outbox.push(message);
    },
  };
}
