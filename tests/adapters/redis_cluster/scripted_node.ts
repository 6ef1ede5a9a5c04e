/**
 * A node of a cluster that loses slots at chosen moments, over a real connection: a real node cannot be told to lose one
 * just before it reads a command.
 *
 * @module
 */

import type { Socket } from "node:net";
import { type OtherServer, startOtherServer } from "../test_node.ts";

/** The node. */
export interface ScriptedNode extends OtherServer {
  /** Commands about subscriptions, `+a,b` or `-a,b`. */
  readonly commands: string[];
  /** The channels that the last connection for subscriptions has. */
  readonly channels: Set<string>;
  /** How many connections have subscribed. */
  readonly connections: number;
  /** The port of the node that serves all slots, as this node says when it is asked for the cluster. */
  owner: number;
  /** Called before each command, as if in this moment the node had read it. */
  before: (command: string) => void;
  /** Loses a slot to another node, and ends its subscriptions as a real node does. */
  lose(slot: number, to?: number, host?: string): void;
  /** Gets a slot back. */
  regain(slot: number): void;
  /** Writes something else to the last connection for subscriptions. */
  say(text: string): void;
  /** Closes that connection, after what it has written. */
  hangUp(): void;
}

/** The answer to CLUSTER SLOTS. */
const slots = (port: number) =>
  `*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n${bulk("127.0.0.1")}:${port}\r\n${bulk("id")}`;

/** A text in answers. */
export const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;

/**
 * Starts a node that serves all slots.
 *
 * @param slotOf The slot of a tag; without it, the tag is the slot: `{7}a`.
 */
export async function startScriptedNode(slotOf: (tag: string) => number = Number): Promise<ScriptedNode> {
  const slotIn = (name: string) => slotOf(/\{(.*?)\}/.exec(name)![1]!);
  const commands: string[] = [];
  const channels = new Set<string>();
  /** Where the slots are that it does not serve. */
  const lost = new Map<number, string>();
  let [connections, subscriber] = [0, undefined as Socket | undefined];
  const write = (to: Socket | undefined, text: string) => void (to?.writable && to.write(text));
  const push = (kind: string, name: string) =>
    write(subscriber, `>3\r\n${bulk(kind)}${bulk(name)}:${channels.size}\r\n`);
  const subscribe = (socket: Socket, kind: string, names: readonly string[]) => {
    if (subscriber !== socket) {
      connections++;
      channels.clear();
      subscriber = socket;
    }
    for (const name of names) {
      if (kind === "ssubscribe") channels.add(name);
      else channels.delete(name);
      push(kind, name);
    }
  };
  const answer = (socket: Socket, command: string, args: readonly string[]): string => {
    if (command === "hello") return `%1\r\n${bulk("proto")}:3\r\n`;
    if (command === "ping") return bulk(args[0]!);
    if (command === "cluster") return args[0] === "INFO" ? bulk("cluster_state:ok") : slots(node.owner);
    if (!/^(spublish|ssubscribe|sunsubscribe)$/.test(command)) return "+OK\r\n";
    if (command !== "spublish") commands.push((command === "ssubscribe" ? "+" : "-") + args.join());
    const slot = slotIn(args[0]!);
    if (lost.has(slot)) return `-MOVED ${slot} ${lost.get(slot)}\r\n`;
    if (command === "spublish") return ":0\r\n";
    subscribe(socket, command, args);
    return "";
  };
  const server = await startOtherServer((socket) => {
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (data) => {
      text += data;
      for (let words = readCommand(text); words && socket.writable; words = readCommand(text)) {
        text = text.slice(words.size);
        const [name, ...args] = words.words as [string, ...string[]];
        const command = name.toLowerCase();
        node.before(command);
        write(socket, answer(socket, command, args));
      }
    });
  });
  const node: ScriptedNode = {
    ...{ port: server.port, owner: server.port, commands, channels, before: () => {} },
    get connections() {
      return connections;
    },
    lose(slot, to = 1, host = "127.0.0.1") {
      lost.set(slot, `${host}:${to}`);
      for (const name of [...channels].filter((name) => slotIn(name) === slot)) {
        channels.delete(name);
        push("sunsubscribe", name);
      }
    },
    regain: (slot) => void lost.delete(slot),
    say: (text) => write(subscriber, text),
    hangUp: () => void subscriber?.end(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  return node;
}

/** Reads one command, if it is there as a whole. All of its text is ASCII. */
export function readCommand(text: string): { readonly words: string[]; readonly size: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (!head) return undefined;
  let at = head[0].length;
  const words: string[] = [];
  for (let left = Number(head[1]); left > 0; left--) {
    const length = /^\$(\d+)\r\n/.exec(text.slice(at, at + 20));
    if (!length) return undefined;
    at += length[0].length;
    const end = at + Number(length[1]);
    if (text.length < end + 2) return undefined;
    words.push(text.slice(at, end));
    at = end + 2;
  }
  return { words, size: at };
}
