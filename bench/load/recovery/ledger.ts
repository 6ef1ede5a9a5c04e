/**
 * Judges recovery: compares the messages and the notices that each client got with the published messages.
 *
 * @module
 */

import { type Percentiles, percentiles } from "../outcome.ts";

/** A notice to a client about its recovery. */
interface Claim {
  readonly at: number;
  readonly recovered: boolean;
}

/** An outage of a client. */
interface Outage {
  readonly from: number;
  /** The time when the network was back. */
  back: number;
  /** The time when the client was live again. */
  live: number;
}

/** The messages and notices of a client. */
interface Entry {
  /** When the client got each message first, by number. */
  readonly heard: Map<number, number>;
  duplicates: number;
  disordered: number;
  highest: number;
  readonly claims: Claim[];
  readonly outages: Outage[];
}

/** A published message. */
interface Kept {
  readonly at: number;
  /** The message is only for every `step`-th client, from the first one on. */
  readonly step: number;
}

/** Percentiles, and the maximum. */
export interface Spread extends Percentiles {
  readonly max: number;
}

/** The result. Times are in milliseconds. */
export interface Judgement {
  /** How many of the messages that the server confirmed have arrived, and how many were expected. */
  readonly delivered: number;
  readonly expected: number;
  /** How many messages a client got a second time. */
  readonly duplicates: number;
  /** How many messages arrived after a message that was published later. */
  readonly disordered: number;
  /** How often a client was told that it has every message, and had not. */
  readonly falseClaims: number;
  /** How many messages a client missed without a notice. */
  readonly silentlyLost: number;
  /** How many outages there were. */
  readonly outages: number;
  /** How many clients did not come back. */
  readonly neverBack: number;
  /** From publishing to delivery, with outages. */
  readonly latency: Spread;
  /** From the moment the network was back until the client had all messages of the outage. Only outages after which it got all of them count. */
  readonly replay: Spread;
  /** From the loss of the link until the client was live again. */
  readonly away: Spread;
}

function spread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values);
  return { ...percentiles(sorted), max: sorted.at(-1) ?? NaN };
}

/** Keeps the records and judges them. All times are in milliseconds, by one clock. */
export class Ledger {
  readonly #clients: readonly Entry[];
  readonly #published = new Map<number, number>();
  readonly #kept = new Map<number, Kept>();

  /** @param clients The number of clients. */
  constructor(clients: number) {
    this.#clients = Array.from({ length: clients }, () => ({
      heard: new Map(),
      duplicates: 0,
      disordered: 0,
      highest: -1,
      claims: [],
      outages: [],
    }));
  }

  /** Records that a message will be published now. Its number is higher than those before. */
  publish(number: number, at: number): void {
    this.#published.set(number, at);
  }

  /**
   * Records that the server has confirmed a message. Messages without this confirmation do not count as missed.
   *
   * @param step The message is only for every `step`-th client, from the first one on.
   */
  keep(number: number, at: number, step = 1): void {
    this.#kept.set(number, { at, step });
  }

  /** Records that a client has got a message. */
  hear(client: number, number: number, at: number): void {
    const entry = this.#clients[client]!;
    if (entry.heard.has(number)) return void entry.duplicates++;
    entry.heard.set(number, at);
    if (number < entry.highest) entry.disordered++;
    else entry.highest = number;
  }

  /**
   * Records that a client's link is lost.
   *
   * @param back When the network is back; equal to `at` if the node is gone and the network is not.
   */
  lose(client: number, at: number, back: number): void {
    const { outages } = this.#clients[client]!;
    const last = outages.at(-1);
    if (last && Number.isNaN(last.live)) last.back = Math.max(last.back, back); // it was not back yet
    else outages.push({ from: at, back, live: NaN });
  }

  /**
   * Records that a client is live again.
   *
   * @param recovered Whether the client was told that it has every message; `undefined` if it was told nothing.
   */
  return(client: number, at: number, recovered: boolean | undefined): void {
    const { outages, claims } = this.#clients[client]!;
    const last = outages.at(-1);
    if (last && Number.isNaN(last.live)) last.live = at;
    if (recovered !== undefined) claims.push({ at, recovered });
  }

  /** Whether a client has got a message. */
  has(client: number, number: number): boolean {
    return this.#clients[client]!.heard.has(number);
  }

  /** How many clients are away now. */
  get away(): number {
    return this.#clients.filter(({ outages }) => Number.isNaN(outages.at(-1)?.live ?? 0)).length;
  }

  /** How many confirmed messages have not arrived yet, for all clients together. */
  get missing(): number {
    return this.#sum(({ heard }, client) =>
      this.#due(client).filter(([number]) => !heard.has(number)).length
    );
  }

  /** Judges, after the last message has arrived. */
  judge(): Judgement {
    const latencies: number[] = [];
    const replays: number[] = [];
    const aways: number[] = [];
    let [falseClaims, silentlyLost] = [0, 0];
    for (const [client, entry] of this.#clients.entries()) {
      const wrong = new Set<Claim>();
      for (const [number, { at }] of this.#due(client)) {
        const heard = entry.heard.get(number);
        if (heard !== undefined) {
          latencies.push(heard - this.#published.get(number)!);
          continue;
        }
        const claim = entry.claims.find((claim) => claim.at >= at);
        if (claim?.recovered) wrong.add(claim);
        if (claim?.recovered !== false) silentlyLost++;
      }
      falseClaims += wrong.size;
      for (const outage of entry.outages) {
        if (Number.isNaN(outage.live)) continue;
        aways.push(outage.live - outage.from);
        const replay = this.#replayed(entry, outage);
        if (replay !== undefined) replays.push(replay);
      }
    }
    const expected = this.#sum((_, client) => this.#due(client).length);
    return {
      delivered: expected - this.missing,
      expected,
      duplicates: this.#sum(({ duplicates }) => duplicates),
      disordered: this.#sum(({ disordered }) => disordered),
      falseClaims,
      silentlyLost,
      outages: this.#sum(({ outages }) => outages.length),
      neverBack: this.away,
      latency: spread(latencies),
      replay: spread(replays),
      away: spread(aways),
    };
  }

  /** The messages that a client should have got. */
  #due(client: number): [number: number, kept: Kept][] {
    return [...this.#kept].filter(([, { step }]) => client % step === 0);
  }

  #sum(figure: (entry: Entry, client: number) => number): number {
    return this.#clients.reduce((sum, entry, client) => sum + figure(entry, client), 0);
  }

  /** How long it took until all messages of an outage had arrived; `undefined` if there were none, or not all arrived. */
  #replayed({ heard }: Entry, { from, back, live }: Outage): number | undefined {
    let last = -Infinity;
    for (const [number, at] of this.#published) {
      if (at < from || at > live || !this.#kept.has(number)) continue;
      const came = heard.get(number);
      if (came === undefined) return undefined;
      last = Math.max(last, came);
    }
    return last === -Infinity ? undefined : Math.max(0, last - back);
  }
}
