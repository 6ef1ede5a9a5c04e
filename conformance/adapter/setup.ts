import type { Adapter } from "../../adapters/adapter.ts";

/** Takes the backplane away and gives it back; see {@linkcode AdapterSetup.faults}. */
export interface BackplaneFaults {
  /** Makes the backplane unreachable, as if it was killed. Resolves when it is gone. */
  stop(): void | Promise<void>;
  /** Makes it reachable again. Does nothing when it is. */
  start(): void | Promise<void>;
  /** Keeps connections open and lets nothing through any more, in either direction. {@linkcode start} undoes it. */
  blackhole?(): void | Promise<void>;
  /**
   * Within how many milliseconds the adapter documents to notice a blackhole.
   *
   * @default {30_000}
   */
  readonly noticeMs?: number;
}

/** A way in which a backplane refuses a node; see {@linkcode AdapterSetup.refusals}. */
export interface Refusal {
  /** What is wrong: `"wrong password"`. */
  readonly name: string;
  /** What the error must mention besides the adapter's name: the address. */
  readonly mentions: readonly string[];
  /** What no error may contain: the password. */
  readonly secrets: readonly string[];
  /** Creates an adapter that the backplane will refuse. */
  create(options: { readonly prefix: string }): Adapter | Promise<Adapter>;
}

/** An adapter on a client that it does not own; see {@linkcode AdapterSetup.createWithClient}. */
export interface AdapterWithClient {
  /** The adapter, not open. */
  readonly adapter: Adapter;
  /** Uses the client, and rejects when that does not work. */
  useClient(): Promise<void>;
  /** Ends the client. */
  endClient(): Promise<void>;
}

/** A case that does not hold for an adapter, by its nature. */
export interface Skip {
  /** The name of the case. */
  readonly case: string;
  /** Why. */
  readonly reason: string;
  /** Shows what holds instead; runs as a case of its own. */
  readonly instead?: AdapterCaseBody;
}

/** A case that shows what holds instead of a skipped one. */
export interface AdapterCaseBody {
  /** What holds. */
  readonly name: string;
  /** Rejects when it does not. */
  run(): Promise<void>;
}

/** What the suite has to know about an adapter. */
export interface AdapterSetup {
  /**
   * Creates one more adapter on the one backplane under test. The suite opens and closes it.
   *
   * @param options The prefix that the adapter must use.
   */
  create(options: { readonly prefix: string }): Adapter | Promise<Adapter>;
  /**
   * Puts data that is not of this adapter, of as many kinds as there are, where nodes that subscribe to the channel
   * will see it. Resolves when it is sent.
   */
  injectForeign?(where: { readonly prefix: string; readonly channel: string }): void | Promise<void>;
  /** Creates an adapter on a client that the user already has, where the adapter takes one. */
  createWithClient?(options: { readonly prefix: string }): AdapterWithClient | Promise<AdapterWithClient>;
  /** How to break the backplane, where it can be. */
  readonly faults?: BackplaneFaults;
  /** How the backplane refuses nodes, where it can. */
  readonly refusals?: readonly Refusal[];
  /** Cases that do not hold, with the reason. A name that is no case is an error. */
  readonly skip?: readonly Skip[];
  /**
   * How long anything may take, in milliseconds, before a case fails.
   *
   * @default {10_000}
   */
  readonly waitMs?: number;
  /**
   * The seed of the cases that try random sequences.
   *
   * @default {1}
   */
  readonly seed?: number;
}
