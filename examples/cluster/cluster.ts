/**
 * The parts of the cluster, started in order: broker, nodes, proxy, clients.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { type Broker, provideBroker } from "./broker.ts";
import type { ClusterOptions } from "./options.ts";
import { freePort } from "./ports.ts";
import { findProgram, Processes, type Running } from "./processes.ts";
import { clientCommand, nodeCommand } from "./runtimes.ts";
import { print } from "./terminal.ts";

const CLIENTS = ["Ann", "Bob", "Cid", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida"];

/** How long a node or the proxy may take to start, in milliseconds. */
const START_MS = 30_000;
const LOOK_MS = 50;

const CADDYFILE = fileURLToPath(new URL("./Caddyfile", import.meta.url));

/** A node. It keeps its name and port when its process ends. */
interface Node {
  readonly name: string;
  readonly port: number;
  process: Running | undefined;
}

/** The running cluster. */
export class Cluster {
  readonly #options: ClusterOptions;
  readonly #processes = new Processes();
  /** Separates clusters that use the same broker. */
  readonly #prefix = `cluster-${crypto.randomUUID().slice(0, 8)}`;
  #broker: Broker | undefined;
  #nodes: readonly Node[] = [];

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** Starts everything. */
  async open(): Promise<void> {
    const { adapter, nodes: count, clients, port: wanted } = this.#options;
    this.#broker = await provideBroker(adapter, this.#processes);
    print("broker", this.#broker.about);

    const port = await freePort(wanted);
    if (wanted !== 0 && port !== wanted) print("proxy", `port ${wanted} is taken: it uses another one`);
    const nodes: Node[] = [];
    for (let number = 1; number <= count; number++) {
      const own = await freePort(wanted === 0 ? 0 : port + number);
      nodes.push({ name: `node ${number}`, port: own, process: undefined });
    }
    this.#nodes = nodes;
    await Promise.all(nodes.map((node) => this.#startNode(node)));

    const urls = await this.#startProxy(port);
    for (const [index, name] of CLIENTS.slice(0, clients).entries()) {
      await this.#startClient(index, name, urls);
    }
  }

  /** Kills a node, as in a crash, or starts it again at the same address. */
  async toggleNode(number: number): Promise<void> {
    const node = this.#nodes[number - 1];
    if (node?.process) node.process.signal("SIGKILL");
    else if (node) await this.#startNode(node);
  }

  /** Kills the broker, or starts it again at the same address. */
  async toggleBroker(): Promise<void> {
    const broker = this.#broker;
    if (!broker) return;
    if (broker.running) {
      await broker.kill();
      print("broker", "was killed");
    } else {
      await broker.start();
      print("broker", broker.about);
    }
  }

  /** Ends everything, the clients first. After that, no process can be started. */
  close(): Promise<void> {
    return this.#processes.close();
  }

  async #startNode(node: Node): Promise<void> {
    const { name, port } = node;
    const { adapter, runtime } = this.#options;
    const started = this.#processes.start({
      ...nodeCommand(runtime),
      withPipe: this.#broker!.join?.bind(this.#broker),
      env: {
        ...this.#broker!.env,
        NODE_NAME: name,
        ADAPTER: adapter,
        PREFIX: this.#prefix,
        PORT: String(port),
      },
      layer: 1,
    }, {
      onLine: (line) => print(name, line),
      onEnd: (how) => {
        node.process = undefined;
        print(name, how);
      },
    });
    node.process = started;
    await this.#serves(name, `http://127.0.0.1:${port}/realtime/health/ready`, started);
    print(name, `serves at 127.0.0.1:${port}, pid ${started.pid}`);
  }

  /** @returns The addresses for clients: the address of the proxy, or without a proxy the addresses of all nodes. */
  async #startProxy(port: number): Promise<string[]> {
    const caddy = findProgram("caddy");
    if (!caddy) {
      print(
        "proxy",
        "caddy is not on the PATH (apt-get install caddy): the clients get the addresses of all nodes instead",
      );
      return this.#nodes.map((node) => `ws://127.0.0.1:${node.port}/realtime`);
    }
    const started = this.#processes.start({
      program: caddy,
      args: ["run", "--config", CADDYFILE, "--adapter", "caddyfile"],
      layer: 2,
      env: {
        HOST: "127.0.0.1",
        PORT: String(port),
        NODES: this.#nodes.map((node) => `127.0.0.1:${node.port}`).join(" "),
      },
    }, {
      // Caddy prints at every log level which configuration it reads.
      onLine: (line) => line.includes('"level":"info"') || print("proxy", line),
      onEnd: (how) => print("proxy", how),
    });
    await this.#serves("the proxy", `http://127.0.0.1:${port}/`, started);
    print("proxy", `serves at ws://127.0.0.1:${port}/realtime, pid ${started.pid}`);
    return [`ws://127.0.0.1:${port}/realtime`];
  }

  /** Starts a client. Resolves when it is connected, so that the proxy sends the next one to the node with the fewest. */
  async #startClient(index: number, name: string, urls: readonly string[]): Promise<void> {
    const first = index % urls.length;
    const ordered = [...urls.slice(first), ...urls.slice(0, first)];
    const connected = Promise.withResolvers<void>();
    this.#processes.start({
      ...clientCommand(this.#options.runtime, name, ordered),
      layer: 3,
    }, {
      onLine(line) {
        print(name, line, index);
        if (line.startsWith("is on ")) connected.resolve();
      },
      onEnd(how) {
        print(name, how, index);
        connected.resolve();
      },
    });
    await connected.promise;
  }

  /** Waits until a process answers at an address. */
  async #serves(name: string, url: string, { ended }: Running): Promise<void> {
    const end = performance.now() + START_MS;
    let how: string | undefined;
    ended.then((text) => how = text);
    for (;;) {
      if (how !== undefined) throw new Error(`Cannot start ${name}: it ${how}`);
      const response = await fetch(url).catch(() => undefined);
      await response?.body?.cancel();
      // The proxy has no page at its root, and answers 200 without content: every answer except 503 means that it serves.
      if (response && response.status !== 503) return;
      if (performance.now() > end) {
        throw new Error(`Cannot start ${name}: it does not serve after ${START_MS} ms`);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }
}
