/**
 * What each client heard and was told, beside what was published: the judge of recovery.
 *
 * @module
 */

import { type Percentiles, percentiles } from "../outcome.ts";

/** A client that was told how it came back. */
interface Claim {
  readonly at: number;
  readonly recovered: boolean;
}

/** A time in which a client was away. */
interface Outage {
  readonly from: number;
  /** Since when the network was back. */
  back: number;
  /** Since when the client was live again. */
  live: number;
}

/** What a client heard and was told. */
interface Entry {
  /** When it heard each message first, by number. */
  readonly heard: Map<number, number>;
  duplicates: number;
  disordered: number;
  highest: number;
  readonly claims: Claim[];
  readonly outages: Outage[];
}

/** A message that was published. */
interface Kept {
  readonly at: number;
  /** For every so many-th client only, from the first one on. */
  readonly step: number;
}

/** Percentiles, and the most of all. */
export interface Spread extends Percentiles {
  readonly max: number;
}

/** What came of recovery. Times are in milliseconds. */
export interface Judgement {
  /** How many messages came, of those that were certainly kept. */
  readonly delivered: number;
  readonly expected: number;
  /** How many came to a client that had heard them already. */
  readonly duplicates: number;
  /** How many came after one that was published later. */
  readonly disordered: number;
  /** How often a client was told that it has everything, and had not. */
  readonly falseClaims: number;
  /** How many messages were lost to a client that was not told so. */
  readonly silentlyLost: number;
  /** How often clients were away. */
  readonly outages: number;
  /** How many clients never came back. */
  readonly neverBack: number;
  /** From publishing to hearing, outages included. */
  readonly latency: Spread;
  /** From the moment the network was back until everything was there that was published meanwhile; of outages after which it was. */
  readonly replay: Spread;
  /** From the loss of the link until the client was live again. */
  readonly away: Spread;
}

function spread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values);
  return { ...percentiles(sorted), max: sorted.at(-1) ?? NaN };
}

/** See the module. Every time is in milliseconds, by one clock. */
export class Ledger {
  readonly #clients: readonly Entry[];
  readonly #published = new Map<number, number>();
  readonly #kept = new Map<number, Kept>();

  /** @param clients How many clients there are. */
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

  /** A message is about to be published. Numbers grow. */
  publish(number: number, at: number): void {
    this.#published.set(number, at);
  }

  /**
   * The server has said that a message is published. What it did not say that of is not missed.
   *
   * @param step It is for every so many-th client only, from the first one on.
   */
  keep(number: number, at: number, step = 1): void {
    this.#kept.set(number, { at, step });
  }

  /** A client has heard a message. */
  hear(client: number, number: number, at: number): void {
    const entry = this.#clients[client]!;
    if (entry.heard.has(number)) return void entry.duplicates++;
    entry.heard.set(number, at);
    if (number < entry.highest) entry.disordered++;
    else entry.highest = number;
  }

  /**
   * A client's link is lost.
   *
   * @param back When the network is back; the same as `at` where it is the node that is gone.
   */
  lose(client: number, at: number, back: number): void {
    const { outages } = this.#clients[client]!;
    const last = outages.at(-1);
    if (last && Number.isNaN(last.live)) last.back = Math.max(last.back, back); // it was not back yet
    else outages.push({ from: at, back, live: NaN });
  }

  /**
   * A client is live again.
   *
   * @param recovered Whether it was told that it has everything; `undefined` where it is told nothing.
   */
  return(client: number, at: number, recovered: boolean | undefined): void {
    const { outages, claims } = this.#clients[client]!;
    const last = outages.at(-1);
    if (last && Number.isNaN(last.live)) last.live = at;
    if (recovered !== undefined) claims.push({ at, recovered });
  }

  /** Whether a client has heard a message. */
  has(client: number, number: number): boolean {
    return this.#clients[client]!.heard.has(number);
  }

  /** How many clients are away. */
  get away(): number {
    return this.#clients.filter(({ outages }) => Number.isNaN(outages.at(-1)?.live ?? 0)).length;
  }

  /** How many of the kept messages have not come yet, to all clients together. */
  get missing(): number {
    return this.#sum(({ heard }, client) =>
      this.#due(client).filter(([number]) => !heard.has(number)).length
    );
  }

  /** Judges, when nothing will come any more. */
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

  /** What a client should have heard. */
  #due(client: number): [number: number, kept: Kept][] {
    return [...this.#kept].filter(([, { step }]) => client % step === 0);
  }

  #sum(figure: (entry: Entry, client: number) => number): number {
    return this.#clients.reduce((sum, entry, client) => sum + figure(entry, client), 0);
  }

  /** How long it took until what was published during an outage was there; `undefined` where nothing was, or not all has come. */
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
