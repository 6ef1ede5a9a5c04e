// The backplane of this example. The relay sends each message of a node to the other nodes of its room. Runs on Deno and Bun.

/** The relay's connection to a node. */
export interface Node {
  send(text: string): unknown;
}

/** The rooms, by their names: one for each prefix. */
export class Relay {
  readonly #rooms = new Map<string, Set<Node>>();

  /** Adds a node. After the welcome it gets every message. */
  join(room: string, node: Node): void {
    this.#rooms.set(room, (this.#rooms.get(room) ?? new Set()).add(node));
    node.send("welcome");
  }

  /** Removes a node. */
  leave(room: string, node: Node): void {
    const nodes = this.#rooms.get(room);
    if (nodes?.delete(node) && nodes.size === 0) this.#rooms.delete(room);
  }

  /** Handles a message of a node. */
  hear(room: string, node: Node, text: string): void {
    if (text === "ping") return void node.send("pong");
    for (const other of this.#rooms.get(room) ?? []) if (other !== node) other.send(text);
  }
}
