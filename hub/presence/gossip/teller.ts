/**
 * Sends the changes of this node's entries to the other nodes: all changes of a turn in one message.
 *
 * @module
 */

import { type Clock, HubError } from "../../../contract/mod.ts";
import type { PresenceEntry } from "../place.ts";
import { delta } from "./answers.ts";
import type { OwnState } from "./own_state.ts";
import type { OwnOp } from "./recent_ops.ts";
import { loneBytes, mostLoneBytes, type OpWriter, writeOp, writeStretches } from "./streams.ts";

/** The size limit of a message, in bytes, even if the adapter takes larger ones. */
const MAX_BYTES = 64 * 1024;
/** After this many changes, they are sent before the turn ends. Must not be more than `OwnState` remembers. */
const MAX_UNTOLD = 1_024;

/** The options of {@linkcode Teller}. */
export interface TellerOptions {
  /** This node. */
  readonly nodeId: string;
  /** The clock, for the ends of turns. */
  readonly clock: Pick<Clock, "endOfTurn">;
  /** The entries of this node. */
  readonly own: OwnState;
  /** When the state of an entry was set, in milliseconds since 1970. */
  timeOf(entry: PresenceEntry): number;
  /** The largest message that the adapter carries, in bytes. */
  maxMessageBytes(): number;
  /** Sends a message to all other nodes. */
  send(text: string): void;
  /** Whether another node can get messages now. Nodes that join later ask for the entries. */
  isHeard(): boolean;
}

/** Sends changes to the other nodes. */
export class Teller implements OpWriter {
  readonly #options: TellerOptions;
  /** The prefix of all connection ids of this node. */
  readonly #prefix: string;
  /** The entries that were written in this turn. */
  readonly #texts = new Map<PresenceEntry, string>();
  /** The version that was sent to the others. */
  #told = 0;
  #isWaiting = false;

  /** @param options Its options. */
  constructor(options: TellerOptions) {
    this.#options = options;
    this.#prefix = `${options.nodeId}.`;
  }

  /** The size limit of a message, in bytes. */
  get maxBytes(): number {
    return Math.min(MAX_BYTES, this.#options.maxMessageBytes() / 2);
  }

  /**
   * Writes an entry before it is added, to check that it can be sent.
   *
   * @throws {HubError} `TOO_LARGE` or `BAD_REQUEST` when it cannot be sent.
   */
  prepare(place: string, entry: PresenceEntry): void {
    const text = writeOp(this.#prefix, entry);
    if (mostLoneBytes(place, text) > this.maxBytes) this.#checkSize(loneBytes(place, text));
    this.#texts.set(entry, text);
  }

  #checkSize(bytes: number): void {
    const { maxBytes } = this;
    if (bytes <= maxBytes) return;
    const what =
      `Cannot set a state that takes ${bytes} bytes, with its names: the limit between nodes is ${maxBytes}`;
    throw new HubError("TOO_LARGE", what, { data: { bytes, maxBytes } });
  }

  write(what: OwnOp["what"]): string {
    return (typeof what === "string" ? undefined : this.#texts.get(what)) ?? writeOp(this.#prefix, what);
  }

  timeOf(entry: PresenceEntry): number {
    return this.#options.timeOf(entry);
  }

  /** Sends the changes at the end of the turn. */
  tellSoon(): void {
    if (this.#options.own.version - this.#told >= MAX_UNTOLD) return this.tell();
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#options.clock.endOfTurn(() => {
      this.#isWaiting = false;
      this.tell();
    });
  }

  /** Sends the changes now. */
  tell(): void {
    const { own, send, isHeard } = this.#options;
    let from = this.#told;
    this.#told = own.version;
    if (from < own.version && isHeard()) {
      // All these changes are remembered, because they are at most `MAX_UNTOLD`.
      for (const { version, text } of writeStretches(own.since(from)!, this.maxBytes, this)) {
        send(delta(from, version, text));
        from = version;
      }
    }
    this.#texts.clear();
  }

  /** Sends this node's version, after its changes. */
  sayVersion(): void {
    this.tell();
    const { own, send } = this.#options;
    if (own.version > 0) send(`["pv",${own.version}]`);
  }
}
