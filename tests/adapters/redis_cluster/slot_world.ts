/**
 * Nodes of a cluster whose slots come and go between any two commands, and who hear of it late. Each is a real server
 * for subscriptions and messages, at connections within this process.
 *
 * @module
 */

import type { Random } from "../../load/random.ts";
import type { Journal } from "./journal.ts";
import { bulk, readCommand } from "./scripted_node.ts";
import type { WireEnd, Wires } from "./wires.ts";

/** Refusals that say nothing about where a slot is. */
const FOR_NOW = ["TRYAGAIN", "CLUSTERDOWN", "BUSY", "LOADING"];

const decoder = new TextDecoder();

/** The port of the first node. */
const FIRST_PORT = 7_000;

interface WorldNode {
  readonly port: number;
  /** Whose each slot is, as this node believes: the number of a node. */
  readonly beliefs: Map<number, number>;
  readonly sockets: Set<WireEnd>;
  /** The channels of each connection. */
  readonly channels: Map<WireEnd, Set<string>>;
}

/** Options of {@linkcode SlotWorld}. */
export interface SlotWorldOptions {
  /** Decides what happens. */
  readonly random: Random;
  /** The connections. */
  readonly wires: Wires;
  /** Takes down what happens. */
  readonly journal: Journal;
  /** How many nodes there are. */
  readonly count: number;
  /** All slots that are used. The first node has them at first, unless they are spread over all nodes. */
  readonly slots: readonly number[];
  readonly spread?: boolean;
  /** The slot of a channel. */
  slotIn(name: string): number;
  /** A node takes a message. */
  onTaken(data: string): void;
}

/** All nodes. */
export class SlotWorld {
  readonly nodes: WorldNode[] = [];
  readonly #options: SlotWorldOptions;
  readonly #random: Random;
  readonly #journal: Journal;
  /** The names that connections have given themselves. */
  readonly names: string[] = [];
  readonly #names = new Map<WireEnd, string>();
  /** The nodes that see no working cluster, and those that take connections and answer nothing. */
  readonly doubting = new Set<number>();
  readonly frozen = new Set<number>();
  /** Whose each slot is. */
  readonly #owners: Map<number, number>;
  /** One in how many commands meets it. */
  readonly #rates: Readonly<Record<"move" | "back" | "end" | "refusal", number>>;
  /** The last move. */
  #moved: { readonly slot: number; readonly from: number } | undefined;
  #calm = false;

  /** @param options The options. */
  constructor(options: SlotWorldOptions) {
    const { random, wires, journal, count, slots, spread } = options;
    this.#options = options;
    this.#random = random;
    this.#journal = journal;
    this.#owners = new Map(slots.map((slot, i) => [slot, spread ? i % count : 0]));
    // They differ from run to run: what comes with one kind of trouble does not show amid another.
    this.#rates = {
      move: random.pick([10, 40, 100]),
      back: random.pick([5, 20, Infinity]),
      end: random.pick([80, 400, Infinity]),
      refusal: random.pick([4, 25, Infinity]),
    };
    for (let i = 0; i < count; i++) {
      const port = FIRST_PORT + i;
      const beliefs = new Map(this.#owners);
      this.nodes.push({ port, beliefs, sockets: new Set(), channels: new Map() });
      wires.listen(port, (end) => this.#serve(i, end));
    }
  }

  /** The addresses of all nodes. */
  get addresses(): string[] {
    return this.nodes.map(({ port }) => `127.0.0.1:${port}`);
  }

  /** From now on nothing happens any more, and all nodes know whose each slot is. */
  settle(): void {
    this.#calm = true;
    for (const { beliefs } of this.nodes) {
      for (const [slot, owner] of this.#owners) beliefs.set(slot, owner);
    }
  }

  /** The nodes that have connections for this purpose. */
  withConnections(purpose: string): number[] {
    return this.nodes.flatMap(({ sockets }, i) =>
      [...sockets].some((socket) => !socket.destroyed && this.#names.get(socket)?.startsWith(purpose))
        ? i
        : []
    );
  }

  /** Ends all connections. */
  cut(): void {
    for (const { sockets } of this.nodes) {
      for (const socket of [...sockets]) socket.destroy({ isLost: this.#random.oneIn(2) });
    }
  }

  /** Whether a connection that has not ended has a channel. */
  hears(name: string): boolean {
    return this.nodes.some(({ sockets, channels }) =>
      [...channels].some(([socket, names]) => sockets.has(socket) && !socket.destroyed && names.has(name))
    );
  }

  #serve(i: number, socket: WireEnd): void {
    const { sockets, channels } = this.nodes[i]!;
    sockets.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      channels.delete(socket);
    });
    let text = "";
    socket.on("data", (data: Uint8Array<ArrayBuffer>) => {
      if (this.frozen.has(i)) return;
      text += decoder.decode(data);
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
    const slot = random.pick(this.#options.slots);
    const node = random.pick(this.nodes);
    if (random.oneIn(this.#rates.move)) this.#move(slot, random.below(this.nodes.length));
    // A slot that has just moved may be back before anybody hears of it.
    else if (this.#moved && random.oneIn(this.#rates.back)) this.#move(this.#moved.slot, this.#moved.from);
    if (random.oneIn(6)) node.beliefs.set(slot, this.#owners.get(slot)!);
    if (random.oneIn(this.#rates.end) && node.sockets.size > 0) {
      const all = [...node.sockets];
      const some = random.oneIn(2) ? all : [random.pick(all)];
      this.#journal.note(undefined, `node ${node.port} ends ${some.length} of ${all.length} connections`);
      for (const socket of some) socket.destroy({ isLost: random.oneIn(2) });
    }
  }

  #move(slot: number, to: number): void {
    const from = this.#owners.get(slot)!;
    if (from === to) return;
    this.#journal.note(slot, `it moves from node ${FIRST_PORT + from} to node ${FIRST_PORT + to}`);
    this.#owners.set(slot, to);
    this.#moved = { slot, from };
    this.nodes[to]!.beliefs.set(slot, to);
    // It may have heard wrong.
    const others = this.nodes.map((_, i) => i).filter((i) => i !== from);
    this.nodes[from]!.beliefs.set(slot, this.#random.oneIn(4) ? this.#random.pick(others) : to);
    for (const [socket, names] of this.nodes[from]!.channels) {
      for (const name of [...names].filter((name) => this.#options.slotIn(name) === slot)) {
        names.delete(name);
        write(socket, push("sunsubscribe", name, names.size));
      }
    }
  }

  #answer(i: number, socket: WireEnd, command: string, args: readonly string[]): string {
    const { beliefs } = this.nodes[i]!;
    if (command === "hello") return `%1\r\n${bulk("proto")}:3\r\n`;
    if (command === "ping") return bulk(args[0]!);
    if (command === "client" && args[0]!.toLowerCase() === "setname") {
      this.names.push(args[1]!);
      this.#names.set(socket, args[1]!);
    }
    if (command === "cluster" && args[0] === "INFO") {
      return bulk(`cluster_state:${this.doubting.has(i) ? "fail" : "ok"}`);
    }
    if (command === "cluster") return this.#ranges(beliefs);
    if (/^(publish|subscribe|unsubscribe)$/.test(command)) return this.#obey(i, socket, command, args);
    if (!/^(spublish|ssubscribe|sunsubscribe)$/.test(command)) return "+OK\r\n";
    const slot = this.#options.slotIn(args[0]!);
    const answer = this.#answerAbout(i, socket, command, args, slot);
    if (command !== "spublish" || isMessage(args[1]!)) {
      const words = `${command} ${args.join(" ")} -> ${answer.replaceAll("\r\n", " ")}`;
      this.#journal.note(slot, `node ${this.nodes[i]!.port}: ${words}`);
    }
    return answer;
  }

  /** The answer to a command about a slot. */
  #answerAbout(i: number, socket: WireEnd, command: string, args: readonly string[], slot: number): string {
    const { beliefs } = this.nodes[i]!;
    if (this.#owners.get(slot) !== i) {
      const owner = beliefs.get(slot)!;
      return owner === i ? "-CLUSTERDOWN x\r\n" : `-MOVED ${slot} ${this.addresses[owner]}\r\n`;
    }
    if (!this.#calm && command !== "sunsubscribe" && this.#random.oneIn(this.#rates.refusal)) {
      return `-${this.#random.pick(FOR_NOW)} x\r\n`;
    }
    return this.#obey(i, socket, command, args);
  }

  /** Does what a command says. In classic mode all nodes hear a message. */
  #obey(i: number, socket: WireEnd, command: string, args: readonly string[]): string {
    const { channels } = this.nodes[i]!;
    const isSharded = command.startsWith("s") && command !== "subscribe";
    const mark = isSharded ? ">" : "*";
    if (command === "spublish") return this.#publish(channels, "smessage", mark, args as [string, string]);
    if (command === "publish") {
      const all = new Map(this.nodes.flatMap((node) => [...node.channels]));
      return this.#publish(all, "message", mark, args as [string, string]);
    }
    const names = channels.get(socket) ?? new Set();
    channels.set(socket, names);
    return args.map((name) => {
      if (/^s?subscribe$/.test(command)) names.add(name);
      else names.delete(name);
      return push(command, name, names.size, mark);
    }).join("");
  }

  #publish(
    channels: WorldNode["channels"],
    kind: string,
    mark: string,
    [name, data]: readonly [string, string],
  ): string {
    if (isMessage(data)) this.#options.onTaken(data);
    const sockets = [...channels].filter(([, names]) => names.has(name)).map(([socket]) => socket);
    for (const socket of sockets) write(socket, `${mark}3\r\n${bulk(kind)}${bulk(name)}${bulk(data)}`);
    return `:${sockets.length}\r\n`;
  }

  /** The answer to CLUSTER SLOTS. */
  #ranges(beliefs: ReadonlyMap<number, number>): string {
    const ranges = [...beliefs].map(([slot, owner]) => {
      const { port } = this.nodes[owner]!;
      return `*3\r\n:${slot}\r\n:${slot}\r\n*3\r\n${bulk("127.0.0.1")}:${port}\r\n${bulk("id")}`;
    });
    return `*${ranges.length}\r\n${ranges.join("")}`;
  }
}

/** Whether it is an envelope, and no probe. */
const isMessage = (data: string): boolean => data.startsWith("TL");

const push = (kind: string, name: string, count: number, mark = ">"): string =>
  `${mark}3\r\n${bulk(kind)}${bulk(name)}:${count}\r\n`;

function write(socket: WireEnd, text: string): void {
  if (socket.writable) socket.write(text);
}
