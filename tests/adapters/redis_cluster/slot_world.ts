/**
 * Nodes of a cluster whose slots come and go between any two commands, and who hear of it late. Each is a real server
 * for subscriptions and messages.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { Random } from "../../load/random.ts";
import { type OtherServer, startOtherServer } from "../test_node.ts";
import { bulk, readCommand } from "./scripted_node.ts";

/** Refusals that say nothing about where a slot is. */
const FOR_NOW = ["TRYAGAIN", "CLUSTERDOWN", "BUSY", "LOADING"];

interface WorldNode {
  server: OtherServer;
  /** Whose each slot is, as this node believes: the number of a node. */
  readonly beliefs: Map<number, number>;
  readonly sockets: Set<Socket>;
  /** The channels of each connection. */
  readonly channels: Map<Socket, Set<string>>;
}

/** All nodes. */
export class SlotWorld implements AsyncDisposable {
  readonly nodes: WorldNode[] = [];
  readonly #random: Random;
  readonly #slots: readonly number[];
  readonly #slotIn: (name: string) => number;
  /** Whose each slot is. */
  readonly #owners: Map<number, number>;
  #calm = false;

  private constructor(random: Random, slots: readonly number[], slotIn: (name: string) => number) {
    this.#random = random;
    this.#slots = slots;
    this.#slotIn = slotIn;
    this.#owners = new Map(slots.map((slot) => [slot, 0]));
  }

  /**
   * Starts nodes. The first has all slots.
   *
   * @param random Decides what happens.
   * @param count How many nodes.
   * @param slots All slots that are used.
   * @param slotIn The slot of a channel.
   */
  static async start(
    random: Random,
    count: number,
    slots: readonly number[],
    slotIn: (name: string) => number,
  ): Promise<SlotWorld> {
    const world = new SlotWorld(random, slots, slotIn);
    for (let i = 0; i < count; i++) {
      const server = await startOtherServer((socket) => world.#serve(i, socket));
      const beliefs = new Map(slots.map((slot) => [slot, 0]));
      world.nodes.push({ server, beliefs, sockets: new Set(), channels: new Map() });
    }
    return world;
  }

  /** The addresses of all nodes. */
  get addresses(): string[] {
    return this.nodes.map(({ server }) => `127.0.0.1:${server.port}`);
  }

  /** From now on nothing happens any more, and all nodes know whose each slot is. */
  settle(): void {
    this.#calm = true;
    for (const { beliefs } of this.nodes) {
      for (const [slot, owner] of this.#owners) beliefs.set(slot, owner);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { server, sockets } of this.nodes) {
      for (const socket of sockets) socket.destroy();
      await server[Symbol.asyncDispose]();
    }
  }

  #serve(i: number, socket: Socket): void {
    const { sockets, channels } = this.nodes[i]!;
    sockets.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      channels.delete(socket);
    });
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (data) => {
      text += data;
      for (let words = readCommand(text); words && socket.writable; words = readCommand(text)) {
        text = text.slice(words.size);
        this.#happen();
        const [name, ...args] = words.words as [string, ...string[]];
        write(socket, this.#answer(i, socket, name.toLowerCase(), args));
      }
    });
  }

  /** Something may happen before a node reads a command. */
  #happen(): void {
    const random = this.#random;
    if (this.#calm) return;
    const slot = random.pick(this.#slots);
    const node = random.pick(this.nodes);
    if (random.oneIn(40)) this.#move(slot, random.below(this.nodes.length));
    if (random.oneIn(6)) node.beliefs.set(slot, this.#owners.get(slot)!);
    if (random.oneIn(400)) { for (const socket of node.sockets) socket.destroy(); }
  }

  #move(slot: number, to: number): void {
    const from = this.#owners.get(slot)!;
    if (from === to) return;
    this.#owners.set(slot, to);
    this.nodes[to]!.beliefs.set(slot, to);
    // It may have heard wrong.
    const others = this.nodes.map((_, i) => i).filter((i) => i !== from);
    this.nodes[from]!.beliefs.set(slot, this.#random.oneIn(4) ? this.#random.pick(others) : to);
    for (const [socket, names] of this.nodes[from]!.channels) {
      for (const name of [...names].filter((name) => this.#slotIn(name) === slot)) {
        names.delete(name);
        write(socket, push("sunsubscribe", name, names.size));
      }
    }
  }

  #answer(i: number, socket: Socket, command: string, args: readonly string[]): string {
    const { beliefs, channels } = this.nodes[i]!;
    if (command === "hello") return `%1\r\n${bulk("proto")}:3\r\n`;
    if (command === "ping") return bulk(args[0]!);
    if (command === "cluster") return args[0] === "INFO" ? bulk("cluster_state:ok") : this.#ranges(beliefs);
    if (!/^(spublish|ssubscribe|sunsubscribe)$/.test(command)) return "+OK\r\n";
    const slot = this.#slotIn(args[0]!);
    if (this.#owners.get(slot) !== i) {
      const owner = beliefs.get(slot)!;
      return owner === i ? "-CLUSTERDOWN x\r\n" : `-MOVED ${slot} ${this.addresses[owner]}\r\n`;
    }
    if (!this.#calm && command !== "sunsubscribe" && this.#random.oneIn(25)) {
      return `-${this.#random.pick(FOR_NOW)} x\r\n`;
    }
    if (command === "spublish") return this.#publish(channels, args as [string, string]);
    const names = channels.get(socket) ?? new Set();
    channels.set(socket, names);
    return args.map((name) => {
      if (command === "ssubscribe") names.add(name);
      else names.delete(name);
      return push(command, name, names.size);
    }).join("");
  }

  #publish(channels: WorldNode["channels"], [name, data]: readonly [string, string]): string {
    const sockets = [...channels].filter(([, names]) => names.has(name)).map(([socket]) => socket);
    for (const socket of sockets) write(socket, `>3\r\n${bulk("smessage")}${bulk(name)}${bulk(data)}`);
    return `:${sockets.length}\r\n`;
  }

  /** The answer to CLUSTER SLOTS. */
  #ranges(beliefs: ReadonlyMap<number, number>): string {
    const ranges = [...beliefs].map(([slot, owner]) => {
      const { port } = this.nodes[owner]!.server;
      return `*3\r\n:${slot}\r\n:${slot}\r\n*3\r\n${bulk("127.0.0.1")}:${port}\r\n${bulk("id")}`;
    });
    return `*${ranges.length}\r\n${ranges.join("")}`;
  }
}

const push = (kind: string, name: string, count: number): string =>
  `>3\r\n${bulk(kind)}${bulk(name)}:${count}\r\n`;

function write(socket: Socket, text: string): void {
  if (socket.writable) socket.write(text, "latin1");
}
