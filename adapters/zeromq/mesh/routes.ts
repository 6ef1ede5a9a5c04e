/**
 * The other nodes of a mesh that this one knows of: tries to reach each, and again when it is lost.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import type { FailureKind } from "../../kit/failure.ts";
import { Keeper } from "../../kit/keeper.ts";
import type { Place, Welcome } from "./control.ts";
import { ConnectError } from "../errors.ts";
import type { Outgoing } from "./outgoing.ts";

/** How long a node is looked for that is gone and was not given as a peer, in milliseconds. */
const FORGET_MS = 10 * 60_000;
/** After how long a peer that was never reached is told, in milliseconds. */
const TELL_AFTER_MS = 15_000;
/** A node that closes the connection so often without a word refuses this one. */
const MAX_CLOSED = 3;
/** More are not looked for. */
const MAX_ROUTES = 1_000;

interface Route {
  readonly place: Place;
  /** Whether it was given as a peer: looked for until the end. */
  readonly given: boolean;
  keeper: Keeper<Outgoing>;
  /** The connection in use, if it is this route's. */
  link: Outgoing | undefined;
  /** What the node there said when it was reached last. */
  welcome: Welcome | undefined;
  /** What the connection was called that was lost last. */
  former: string | undefined;
  /** Since when it is away. */
  awaySince: number;
  told: boolean;
  /** How often in a row it has closed the connection without a word. */
  closed: number;
  /** Resolves when it was tried for the first time. */
  readonly tried: PromiseWithResolvers<void>;
}

/** What {@linkcode Routes} needs. */
export interface RoutesOptions {
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly nodeId: string;
  /** Makes a connection. */
  dial(
    place: Place,
    former: string | undefined,
    onLost: (cause: unknown) => void,
    signal: AbortSignal,
  ): Promise<Outgoing>;
  /** A node is reached. What it waits for counts as part of the first try. */
  onUp(link: Outgoing, id: string): Promise<void>;
  /** A node is not reached any more. */
  onDown(link: Outgoing, place: Place, cause: unknown): void;
  /** A node cannot be reached: told once until it is. */
  onTrouble(place: Place, cause: Error): void;
}

/** All nodes that are looked for. */
export class Routes {
  readonly #options: RoutesOptions;
  readonly #routes = new Map<string, Route>();
  /** The connections in use, by node: one each. */
  readonly #links = new Map<string, Outgoing>();
  #closed = false;

  /** @param options What it needs. */
  constructor(options: RoutesOptions) {
    this.#options = options;
  }

  /** The connections in use. */
  get links(): Iterable<Outgoing> {
    return this.#links.values();
  }

  /** The connection to a node, if there is one. */
  linkOf(id: string): Outgoing | undefined {
    return this.#links.get(id);
  }

  /** The nodes that are reached. */
  get places(): readonly Place[] {
    return [...this.#routes.values()].flatMap(({ link, welcome }) => link && welcome ? [welcome] : [])
      .map(({ address, key }) => ({ address, key }));
  }

  /** A node has greeted: it is there, also where it was looked for before it started. */
  greeted(place: Place): void {
    const route = this.#routes.get(place.address);
    if (!route) this.add(place);
    else if (!route.link) route.keeper.hurry();
  }

  /** Looks for a node. */
  add(place: Place, given = false): void {
    const { address } = place;
    if (this.#closed || this.#routes.has(address) || this.#routes.size >= MAX_ROUTES) return;
    if (this.places.some((known) => known.address === address)) return; // reached by a name of it
    const { clock } = this.#options;
    const route: Route = {
      place,
      given,
      keeper: undefined!,
      link: undefined,
      welcome: undefined,
      former: undefined,
      awaySince: clock.now(),
      told: false,
      closed: 0,
      tried: Promise.withResolvers(),
    };
    route.tried.promise.catch(() => {}); // nobody waits for those that are found later
    this.#routes.set(address, route);
    this.#look(route);
  }

  /**
   * Waits until all nodes have been tried once, also those that others tell of.
   *
   * @returns Rejects when one refuses this node.
   */
  async settle(): Promise<void> {
    const seen = new Set<Route>();
    for (;;) {
      const next = [...this.#routes.values()].filter((route) => !seen.has(route));
      if (next.length === 0) return;
      for (const route of next) seen.add(route);
      await Promise.all(next.map(({ tried }) => tried.promise));
    }
  }

  /** Looks for nobody any more, and ends all connections. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#routes.values()].map(({ keeper }) => keeper.close()));
  }

  #look(route: Route): void {
    const { clock, connectTimeoutMs, dial } = this.#options;
    let welcome: Welcome;
    route.keeper = new Keeper<Outgoing>({
      clock,
      connectTimeoutMs,
      answerTimeoutMs: connectTimeoutMs,
      connect: async (onLost, signal) => {
        const link = await dial(route.place, route.former, onLost, signal);
        const abort = () => link.end();
        signal.addEventListener("abort", abort);
        try {
          welcome = await link.welcomed;
          route.welcome = welcome;
          this.#checkNew(welcome.id, route.place);
          return link;
        } catch (error) {
          link.end();
          throw error;
        } finally {
          signal.removeEventListener("abort", abort);
        }
      },
      destroy: (link) => Promise.resolve(link.end()),
      prepare: () => Promise.resolve(),
      onUp: (link) => void this.#up(route, link, welcome),
      onDown: (cause) => this.#down(route, cause),
      onFailure: (cause) => this.#failed(route, cause),
    });
    route.keeper.start();
  }

  /** A node may have several addresses, and this one may be given as its own peer. */
  #checkNew(id: string, { address }: Place): void {
    if (id === this.#options.nodeId) throw new ConnectError("final", `${address} is this node itself`);
    if (this.#links.has(id)) throw new ConnectError("final", `${address} is known by another address`);
  }

  async #up(route: Route, link: Outgoing, { id, peers }: Welcome): Promise<void> {
    if (this.#links.has(id)) return link.end(); // by another address, at the same moment
    this.#links.set(id, link);
    route.link = link;
    route.told = false;
    for (const peer of peers) this.add(peer);
    await this.#options.onUp(link, id);
    route.tried.resolve();
  }

  #down(route: Route, cause: unknown): void {
    const { link, welcome } = route;
    if (!link) return;
    const { id } = welcome!;
    this.#links.delete(id);
    route.link = undefined;
    route.former = link.routingId;
    route.awaySince = this.#options.clock.now();
    this.#options.onDown(link, route.place, cause);
    if (this.#closed) return;
    // The same node by other names.
    for (const other of this.#routes.values()) {
      if (other !== route && other.welcome?.id === id) this.#look(other);
    }
    if (link.parted && !route.given) this.#forget(route);
  }

  #failed(route: Route, cause: unknown): FailureKind {
    const { clock, onTrouble } = this.#options;
    let kind = cause instanceof ConnectError ? cause.kind : "unreachable";
    // It may be about to end, or to start.
    route.closed = kind === "answered" ? route.closed + 1 : 0;
    if (route.closed >= MAX_CLOSED) kind = "refused";
    const awayMs = clock.now() - route.awaySince;
    if (kind === "final") {
      if (!route.given || route.welcome?.id === this.#options.nodeId) this.#forget(route);
    } else if (kind === "refused" || awayMs > TELL_AFTER_MS) {
      if (!route.told) onTrouble(route.place, cause as Error);
      route.told = true;
    }
    if (kind === "refused" && route.given) route.tried.reject(refusal(route.place, cause as Error));
    if (kind !== "answered") route.tried.resolve();
    if (route.given || awayMs < FORGET_MS) return kind;
    this.#forget(route);
    return "final";
  }

  #forget(route: Route): void {
    this.#routes.delete(route.place.address);
    void route.keeper.close();
  }
}

function refusal({ address }: Place, cause: Error): ConnectError {
  return new ConnectError("refused", `the node ${address} refuses it: ${cause.message}`, cause);
}
