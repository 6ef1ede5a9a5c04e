/**
 * The network between clients and nodes. It can fail for each client separately, and it spreads clients over the live nodes.
 *
 * @module
 */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A balancer. Each connection goes to the next node, or to another one if that node is gone. */
export class Balancer {
  readonly #ports: readonly number[];
  #next = 0;

  /** @param ports The nodes' ports of 127.0.0.1. */
  constructor(ports: readonly number[]) {
    this.#ports = ports;
  }

  /**
   * Connects to a node.
   *
   * @returns The connection; `undefined` if no node accepts one.
   */
  async connect(): Promise<Socket | undefined> {
    const first = this.#next++;
    for (let i = 0; i < this.#ports.length; i++) {
      const socket = connect({
        port: this.#ports[(first + i) % this.#ports.length]!,
        host: "127.0.0.1",
        noDelay: true,
      });
      try {
        await once(socket, "connect"); // rejects if an error comes first
        return socket;
      } catch {
        socket.destroy();
      }
    }
    return undefined;
  }
}

/** One client's line to the nodes. */
export class Line {
  readonly #server: Server;
  readonly #balancer: Balancer;
  readonly #onLost: () => void;
  readonly #sockets = new Set<Socket>();
  #down = false;

  private constructor(balancer: Balancer, onLost: () => void) {
    this.#balancer = balancer;
    this.#onLost = onLost;
    this.#server = createServer({ noDelay: true }, (near) => void this.#accept(near));
  }

  /**
   * Creates a line.
   *
   * @param balancer Connects to the nodes.
   * @param onLost Called when a node has ended the connection.
   */
  static async lay(balancer: Balancer, onLost: () => void): Promise<Line> {
    const line = new Line(balancer, onLost);
    line.#server.listen(0, "127.0.0.1");
    await once(line.#server, "listening");
    return line;
  }

  /** The port of 127.0.0.1 that the client connects to. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resets all connections at both ends, and from now on every new one. */
  cut(): void {
    this.#down = true;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Lets connections through again. */
  heal(): void {
    this.#down = false;
  }

  /** Closes the line. */
  close(): void {
    this.cut();
    this.#server.close();
  }

  async #accept(near: Socket): Promise<void> {
    this.#watch(near);
    if (this.#down) return void near.resetAndDestroy();
    near.pause();
    const far = await this.#balancer.connect();
    if (!far) return void near.resetAndDestroy();
    this.#watch(far);
    if (this.#down || near.destroyed) {
      near.resetAndDestroy();
      far.resetAndDestroy();
      return;
    }
    let lost = false;
    near.on("close", () => {
      lost = true;
      far.destroy();
    });
    far.on("close", () => {
      if (!lost && !this.#down) this.#onLost();
      near.destroy();
    });
    near.pipe(far);
    far.pipe(near);
  }

  #watch(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => {}); // a reset connection reports an error; only its end counts here
    socket.on("close", () => this.#sockets.delete(socket));
  }
}
