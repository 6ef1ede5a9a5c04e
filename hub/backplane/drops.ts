/**
 * What of other nodes had to be dropped: reported once per kind and while. A node with another contract
 * sends as many messages that this one cannot read as it sends messages.
 *
 * @module
 */

import { type Clock, HubError, isHubError } from "../../contract/mod.ts";

/** Of each kind one is reported at once, and what follows within this time counted, in milliseconds. */
const INTERVAL_MS = 10_000;
/** How many kinds are told apart at once; names that are made up are endless. */
const MAX_KINDS = 32;

/** Reports an error that stands for so many dropped messages. */
type Report = (error: unknown, channel: string, count: number) => void;

/** What was dropped since the last report. */
interface Recent {
  count: number;
  error: unknown;
  channel: string;
  readonly stop: () => void;
}

/** Reports dropped messages. */
export class Drops {
  readonly #clock: Clock;
  readonly #report: Report;
  readonly #recent = new Map<string, Recent>();

  /**
   * @param clock Where time comes from.
   * @param report Hears of them.
   */
  constructor(clock: Clock, report: Report) {
    this.#clock = clock;
    this.#report = report;
  }

  /** A message was dropped. */
  add(error: unknown, channel: string): void {
    const kind = this.#kindOf(error, channel);
    const recent = this.#recent.get(kind);
    if (!recent) {
      this.#wait(kind);
      return this.#report(error, channel, 1);
    }
    recent.count++;
    recent.error = error;
    recent.channel = channel;
  }

  /** Reports what was counted, and nothing later. */
  close(): void {
    for (const recent of this.#recent.values()) {
      recent.stop();
      this.#tell(recent);
    }
    this.#recent.clear();
  }

  #kindOf(error: unknown, channel: string): string {
    const kind = `${channel}\n${error instanceof Error ? error.message : typeof error}`;
    return this.#recent.has(kind) || this.#recent.size < MAX_KINDS ? kind : "";
  }

  #wait(kind: string): void {
    const stop = this.#clock.after(INTERVAL_MS, () => this.#next(kind), { background: true });
    this.#recent.set(kind, { count: 0, error: undefined, channel: "", stop });
  }

  #next(kind: string): void {
    const recent = this.#recent.get(kind)!;
    this.#recent.delete(kind);
    if (recent.count === 0) return;
    this.#wait(kind);
    this.#tell(recent);
  }

  #tell({ count, error, channel }: Recent): void {
    if (count === 0) return;
    this.#report(count === 1 ? error : summary(error, count), channel, count);
  }
}

function summary(error: unknown, count: number): unknown {
  if (!(error instanceof Error)) return error;
  const message = `${error.message} (the last of ${count} messages dropped within ${INTERVAL_MS / 1_000} s)`;
  return new HubError(isHubError(error) ? error.code : "INTERNAL", message, { cause: error });
}
