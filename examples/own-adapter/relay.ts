// The backplane of this example: whatever one node says, the relay repeats to the others of its room. Runs on Deno and Bun.

/** A node, as the relay sees it. */
export interface Node {
  send(text: string): unknown;
}

/** The rooms, by their names: one for each prefix. */
export class Relay {
  readonly #rooms = new Map<string, Set<Node>>();

  /** A node comes; from the welcome on it misses nothing. */
  join(room: string, node: Node): void {
    this.#rooms.set(room, (this.#rooms.get(room) ?? new Set()).add(node));
    node.send("welcome");
  }

  /** A node goes. */
  leave(room: string, node: Node): void {
    const nodes = this.#rooms.get(room);
    if (nodes?.delete(node) && nodes.size === 0) this.#rooms.delete(room);
  }

  /** A node says something. */
  hear(room: string, node: Node, text: string): void {
    if (text === "ping") return void node.send("pong");
    for (const other of this.#rooms.get(room) ?? []) if (other !== node) other.send(text);
  }
}
