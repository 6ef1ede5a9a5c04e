/**
 * A TCP proxy that fails on demand, like a network.
 *
 * @module
 */

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A proxy in front of a server of this machine. */
export interface Proxy extends AsyncDisposable {
  /** Its port of 127.0.0.1. */
  readonly port: number;
  /** How many connections it holds open. */
  readonly connections: number;
  /** How many bytes have arrived from clients. */
  readonly received: number;
  /** Stops passing data in both directions, and closes nothing. New connections open and hang too. */
  blackhole(): void;
  /** Ends `blackhole`: the delayed data arrive, as after an outage of a network. */
  heal(): void;
  /** Resets all connections. */
  cut(): void;
  /** Resets all connections and stops listening. Idempotent. */
  close(): Promise<void>;
}

/** One connection through the proxy. */
class Link {
  readonly #near: Socket;
  readonly #gone: () => void;
  #far: Socket | undefined;
  #held = false;
  #later: (() => void)[] = [];
  #ended = false;

  constructor(near: Socket, gone: () => void) {
    this.#near = near;
    this.#gone = gone;
    near.pause();
    this.#watch(near);
  }

  /** Connects to the server and passes everything on. */
  release(targetPort: number): void {
    this.#held = false;
    // When a side ends, its last data may be lost, as on any network.
    if (this.#ended) return this.reset();
    if (!this.#far) {
      this.#far = connect(targetPort, "127.0.0.1");
      this.#watch(this.#far);
      this.#pass(this.#near, this.#far);
      this.#pass(this.#far, this.#near);
    }
    for (const pass of this.#later.splice(0)) pass();
    this.#near.resume();
    this.#far.resume();
  }

  /** Stops passing data. */
  hold(): void {
    this.#held = true;
    this.#near.pause();
    this.#far?.pause();
  }

  reset(): void {
    for (const socket of [this.#near, this.#far]) if (socket && !socket.destroyed) socket.resetAndDestroy();
    this.#gone();
  }

  #pass(from: Socket, to: Socket): void {
    from.on("data", (data) =>
      this.#orLater(() => {
        if (!to.write(data)) from.pause();
      }));
    to.on("drain", () => {
      if (!this.#held) from.resume();
    });
    from.on("end", () => this.#orLater(() => void to.end()));
  }

  /** A paused socket may still deliver data that it has read already. Bun's may also report its end. */
  #orLater(pass: () => void): void {
    if (this.#held) this.#later.push(pass);
    else pass();
  }

  #watch(socket: Socket): void {
    socket.setNoDelay(true);
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => {
      this.#ended = true;
      // During a black hole, one side does not see the events of the other.
      if (!this.#held) this.reset();
    });
  }
}

/**
 * Starts a proxy.
 *
 * @param targetPort The server's port of 127.0.0.1.
 * @param port The port to listen on; a free one by default.
 * @returns The proxy.
 */
export async function startProxy(targetPort: number, port = 0): Promise<Proxy> {
  const links = new Set<Link>();
  let held = false;
  let closed: Promise<unknown> | undefined;
  let received = 0;
  const server = createServer({ allowHalfOpen: true }, (near) => {
    near.on("data", ({ length }) => received += length);
    const link = new Link(near, () => links.delete(link));
    links.add(link);
    if (held) link.hold();
    else link.release(targetPort);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const proxy: Proxy = {
    port: (server.address() as { port: number }).port,
    get connections() {
      return links.size;
    },
    get received() {
      return received;
    },
    blackhole() {
      held = true;
      for (const link of links) link.hold();
    },
    heal() {
      held = false;
      for (const link of [...links]) link.release(targetPort);
    },
    cut() {
      for (const link of [...links]) link.reset();
    },
    async close() {
      closed ??= once(server, "close");
      if (server.listening) server.close();
      proxy.cut();
      await closed;
    },
    [Symbol.asyncDispose]: () => proxy.close(),
  };
  return proxy;
}
