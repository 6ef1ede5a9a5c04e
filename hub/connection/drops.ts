/**
 * Reports of errors that may come in a flood, such as dropped messages from other nodes: one report per kind of error and
 * interval. This node may be unable to read any message of a node with another contract; a report for each would be too
 * many.
 *
 * @module
 */

import { type Clock, HubError, isHubError } from "../../contract/mod.ts";

/**
 * The first drop of a kind is reported at once. Drops of this kind in this time after it are counted, in
 * milliseconds.
 */
const INTERVAL_MS = 10_000;
/** How many kinds are counted apart at once. A peer can make up new names without end. */
const MAX_KINDS = 32;

/** Reports an error, with the channel or name, and the number of dropped messages or failed calls that it stands for. */
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
   * @param clock The clock.
   * @param report Called with each report.
   */
  constructor(clock: Clock, report: Report) {
    this.#clock = clock;
    this.#report = report;
  }

  /** Adds a dropped message. */
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

  /** Reports the counted drops now, and counts no longer. */
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
  const message = `${error.message} (the last of ${count} within ${INTERVAL_MS / 1_000} s)`;
  return new HubError(isHubError(error) ? error.code : "INTERNAL", message, { cause: error });
}
