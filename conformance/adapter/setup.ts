import type { Adapter } from "../../adapters/adapter.ts";

/** Makes the backplane unreachable and reachable again; see {@linkcode AdapterSetup.faults}. */
export interface BackplaneFaults {
  /** Makes the backplane unreachable, as if it was killed. Resolves when it is unreachable. */
  stop(): void | Promise<void>;
  /** Makes it reachable again. Does nothing if it is reachable. */
  start(): void | Promise<void>;
  /** Keeps connections open, but lets no data through in either direction. {@linkcode start} ends this. */
  blackhole?(): void | Promise<void>;
  /**
   * The time in which the adapter notices a blackhole, as its documentation says, in milliseconds.
   *
   * @default {30_000}
   */
  readonly noticeMs?: number;
}

/** A way in which a backplane can refuse a node; see {@linkcode AdapterSetup.refusals}. */
export interface Refusal {
  /** The problem: `"wrong password"`. */
  readonly name: string;
  /** Texts that the error must contain in addition to the adapter's name, such as the address. */
  readonly mentions: readonly string[];
  /** Texts that no error may contain, such as the password. */
  readonly secrets: readonly string[];
  /** Creates an adapter that the backplane will refuse. */
  create(options: { readonly prefix: string }): Adapter | Promise<Adapter>;
}

/** An adapter on a client that it does not own; see {@linkcode AdapterSetup.createWithClient}. */
export interface AdapterWithClient {
  /** The adapter, not open. */
  readonly adapter: Adapter;
  /** Uses the client. Rejects if that does not work. */
  useClient(): Promise<void>;
  /** Closes the client. */
  endClient(): Promise<void>;
}

/** A case that cannot hold for an adapter, because of how it works. */
export interface Skip {
  /** The name of the case. */
  readonly case: string;
  /** The reason. */
  readonly reason: string;
  /** A case that runs instead, and shows what does hold. */
  readonly instead?: AdapterCaseBody;
}

/** A case that runs instead of a skipped one. */
export interface AdapterCaseBody {
  /** The behaviour that holds. */
  readonly name: string;
  /** Rejects if the behaviour does not hold. */
  run(): Promise<void>;
}

/** The adapter under test, and what the suite may do with it. */
export interface AdapterSetup {
  /**
   * Creates another adapter on the backplane under test. The suite opens and closes it.
   *
   * @param options The prefix that the adapter must use.
   */
  create(options: { readonly prefix: string }): Adapter | Promise<Adapter>;
  /**
   * Sends data that this adapter did not make, of as many kinds as possible, to a channel that nodes subscribe to.
   * Resolves when it is sent.
   */
  injectForeign?(where: { readonly prefix: string; readonly channel: string }): void | Promise<void>;
  /** Creates an adapter on a client that the user already has, if the adapter accepts one. */
  createWithClient?(options: { readonly prefix: string }): AdapterWithClient | Promise<AdapterWithClient>;
  /** How to break the backplane, if that is possible. */
  readonly faults?: BackplaneFaults;
  /** How the backplane can refuse nodes, if that is possible. */
  readonly refusals?: readonly Refusal[];
  /** Cases to skip, with the reason. An unknown name is an error. */
  readonly skip?: readonly Skip[];
  /**
   * How long any step may take before its case fails, in milliseconds.
   *
   * @default {10_000}
   */
  readonly waitMs?: number;
  /**
   * The seed for cases that use random sequences.
   *
   * @default {1}
   */
  readonly seed?: number;
}
