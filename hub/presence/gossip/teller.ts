/**
 * Tells the other nodes what changes among the entries of this one: all changes of a turn in one message.
 *
 * @module
 */

import { type Clock, HubError } from "../../../contract/mod.ts";
import type { PresenceEntry } from "../place.ts";
import { delta } from "./answers.ts";
import type { OwnState } from "./own_state.ts";
import type { OwnOp } from "./recent_ops.ts";
import { loneBytes, mostLoneBytes, type OpWriter, writeOp, writeStretches } from "./streams.ts";

/** The largest message, in bytes, where the adapter takes larger ones. */
const MAX_BYTES = 64 * 1024;
/** After so many changes they leave before the turn ends. Not more than are remembered. */
const MAX_UNTOLD = 1_024;

/** What {@linkcode Teller} needs. */
export interface TellerOptions {
  /** This node. */
  readonly nodeId: string;
  /** Where the ends of turns come from. */
  readonly clock: Pick<Clock, "endOfTurn">;
  /** The entries of this node. */
  readonly own: OwnState;
  /** When the state of an entry was set, in milliseconds since 1970. */
  timeOf(entry: PresenceEntry): number;
  /** The largest message that the adapter carries, in bytes. */
  maxMessageBytes(): number;
  /** Sends a message to all other nodes. */
  send(text: string): void;
  /** Whether there is anybody to tell. Whoever comes later asks. */
  isHeard(): boolean;
}

/** Tells the other nodes what changes. */
export class Teller implements OpWriter {
  readonly #options: TellerOptions;
  /** What all ids of connections of this node begin with. */
  readonly #prefix: string;
  /** What was written in this turn. */
  readonly #texts = new Map<PresenceEntry, string>();
  /** The version that the others have been told. */
  #told = 0;
  #isWaiting = false;

  /** @param options What it needs. */
  constructor(options: TellerOptions) {
    this.#options = options;
    this.#prefix = `${options.nodeId}.`;
  }

  /** How large a message may be, in bytes. */
  get maxBytes(): number {
    return Math.min(MAX_BYTES, this.#options.maxMessageBytes() / 2);
  }

  /**
   * Writes an entry, before it is one.
   *
   * @throws {HubError} `TOO_LARGE` or `BAD_REQUEST` when it cannot travel.
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
      `Cannot set a state that takes ${bytes} bytes, with its names: at most ${maxBytes} can be told to other nodes`;
    throw new HubError("TOO_LARGE", what, { data: { bytes, maxBytes } });
  }

  write(what: OwnOp["what"]): string {
    return (typeof what === "string" ? undefined : this.#texts.get(what)) ?? writeOp(this.#prefix, what);
  }

  timeOf(entry: PresenceEntry): number {
    return this.#options.timeOf(entry);
  }

  /** Something has changed, of which the others are told at the end of the turn. */
  tellSoon(): void {
    if (this.#options.own.version - this.#told >= MAX_UNTOLD) return this.tell();
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#options.clock.endOfTurn(() => {
      this.#isWaiting = false;
      this.tell();
    });
  }

  /** Tells what has changed, now. */
  tell(): void {
    const { own, send, isHeard } = this.#options;
    let from = this.#told;
    this.#told = own.version;
    if (from < own.version && isHeard()) {
      // All of it is remembered: there are not more than `MAX_UNTOLD`.
      for (const { version, text } of writeStretches(own.since(from)!, this.maxBytes, this)) {
        send(delta(from, version, text));
        from = version;
      }
    }
    this.#texts.clear();
  }

  /** Says which version there is, after what made it. */
  sayVersion(): void {
    this.tell();
    const { own, send } = this.#options;
    if (own.version > 0) send(`["pv",${own.version}]`);
  }
}
