/**
 * The known nodes of a mesh. Connects to each, and reconnects after a loss.
 *
 * @module
 */

import type { Clock } from "../../../contract/clock.ts";
import type { FailureKind } from "../../kit/failure.ts";
import { Keeper } from "../../kit/keeper.ts";
import type { Place, Welcome } from "./control.ts";
import { ConnectError } from "../errors.ts";
import type { Outgoing } from "./outgoing.ts";

/** How long to retry a lost node that is not a configured peer, in milliseconds. */
const FORGET_MS = 10 * 60_000;
/** After how long a peer that was never reached is reported, in milliseconds. */
const TELL_AFTER_MS = 15_000;
/** A node that closes the connection this often without a message counts as refusing this node. */
const MAX_CLOSED = 3;
/** The largest number of known nodes. */
const MAX_ROUTES = 1_000;

interface Route {
  readonly place: Place;
  /** Whether the node is a configured peer, and so is retried without end. */
  readonly given: boolean;
  keeper: Keeper<Outgoing>;
  /** The connection in use, if this route has it. */
  link: Outgoing | undefined;
  /** The node's latest `welcome`. */
  welcome: Welcome | undefined;
  /** The name of the connection that was lost last. */
  former: string | undefined;
  /** Since when the node is away. */
  awaySince: number;
  told: boolean;
  /** How often in a row the node has closed the connection without a message. */
  closed: number;
  /** Resolves after the first attempt. */
  readonly tried: PromiseWithResolvers<void>;
}

/** Options of {@linkcode Routes}. */
export interface RoutesOptions {
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly nodeId: string;
  /** Opens a connection. */
  dial(
    place: Place,
    former: string | undefined,
    onLost: (cause: unknown) => void,
    signal: AbortSignal,
  ): Promise<Outgoing>;
  /** A node is reached. The returned promise counts as part of the first attempt. */
  onUp(link: Outgoing, id: string): Promise<void>;
  /** The connection to a node is lost. */
  onDown(link: Outgoing, place: Place, cause: unknown): void;
  /** A node cannot be reached. Called once until it is reached again. */
  onTrouble(place: Place, cause: Error): void;
}

/** The routes to all known nodes. */
export class Routes {
  readonly #options: RoutesOptions;
  readonly #routes = new Map<string, Route>();
  /** The connections in use: one for each node. */
  readonly #links = new Map<string, Outgoing>();
  #closed = false;

  /** @param options The options. */
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

  /** The nodes with a connection. */
  get places(): readonly Place[] {
    return [...this.#routes.values()].flatMap(({ link, welcome }) => link && welcome ? [welcome] : [])
      .map(({ address, key }) => ({ address, key }));
  }

  /** A node has sent its `hello`, so it runs now. Retries it at once. */
  greeted(place: Place): void {
    const route = this.#routes.get(place.address);
    if (!route) this.add(place);
    else if (!route.link) route.keeper.hurry();
  }

  /** Adds a node, and connects to it. */
  add(place: Place, given = false): void {
    const { address } = place;
    if (this.#closed || this.#routes.has(address) || this.#routes.size >= MAX_ROUTES) return;
    if (this.places.some((known) => known.address === address)) return; // reached by another name already
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
    route.tried.promise.catch(() => {}); // no caller waits for nodes that are found later
    this.#routes.set(address, route);
    this.#look(route);
  }

  /**
   * Waits until each node has been tried once, also the nodes that others name.
   *
   * @returns Rejects when a configured peer refuses this node.
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

  /** Stops all attempts, and closes all connections. */
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

  /** Refuses a second connection to the same node: it may have several addresses, and a node may be its own peer. */
  #checkNew(id: string, { address }: Place): void {
    if (id === this.#options.nodeId) throw new ConnectError("final", `${address} is this node itself`);
    if (this.#links.has(id)) throw new ConnectError("final", `${address} is known by another address`);
  }

  async #up(route: Route, link: Outgoing, { id, peers }: Welcome): Promise<void> {
    if (this.#links.has(id)) return link.end(); // connected by another address at the same moment
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
    // Retries the other addresses of the same node.
    for (const other of this.#routes.values()) {
      if (other !== route && other.welcome?.id === id) this.#look(other);
    }
    if (link.parted && !route.given) this.#forget(route);
  }

  #failed(route: Route, cause: unknown): FailureKind {
    const { clock, onTrouble } = this.#options;
    let kind = cause instanceof ConnectError ? cause.kind : "unreachable";
    // The node may be about to stop, or to start.
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
