/**
 * Makes the welcome of each connection. Nearly all of it is the same for all connections, so it is encoded once.
 *
 * @module
 */

import { jsonCodec, type Welcome } from "../../../contract/mod.ts";
import type { Connection } from "../../connection/connection.ts";
import { OutgoingMessage } from "../../outbox/outgoing_message.ts";
import type { SessionContext } from "../session_context.ts";

/** A welcome without the id of the connection. */
interface Common {
  readonly parts: Omit<Welcome, "connection">;
  /** The end of its text in JSON, after the id. */
  readonly end: string;
}

/** The beginning of the text of a message without the id. */
const START = '["welcome",{';

/** Makes welcomes. */
export class Welcomes {
  readonly #context: SessionContext;
  /** What was made before, by what a connection has. */
  readonly #known = new Map<number, Common>();

  /** @param context The shared context of all sessions. */
  constructor(context: SessionContext) {
    this.#context = context;
  }

  /**
   * Makes the welcome of a connection.
   *
   * @param conn The connection.
   * @param takesTopics Whether the hub subscribes to topics of its hello.
   */
  of(conn: Connection, takesTopics: boolean): OutgoingMessage {
    const { parts, end } = this.#common(takesTopics, conn.rejoins);
    const { id: connection } = conn;
    return new OutgoingMessage(
      () => ["welcome", { connection, ...parts }],
      undefined,
      () => `${START}"connection":${JSON.stringify(connection)},${end}`,
    );
  }

  #common(takesTopics: boolean, rejoins: boolean): Common {
    const key = (takesTopics ? 2 : 0) + (rejoins ? 1 : 0);
    const known = this.#known.get(key);
    // The memory has another name as soon as the adapter has told that there can be other nodes.
    if (known && known.parts.once === this.#context.once.memory) return known;
    const parts = this.#parts(takesTopics, rejoins);
    const made = { parts, end: (jsonCodec.encode(["welcome", parts]) as string).slice(START.length) };
    this.#known.set(key, made);
    return made;
  }

  #parts(takesTopics: boolean, rejoins: boolean): Omit<Welcome, "connection"> {
    const { nodeId: node, heartbeatMs, limits: { maxFrameBytes }, topics, presence, once, contract } =
      this.#context;
    return {
      node,
      heartbeatMs,
      maxFrameBytes,
      ...(topics.keepsHistory && { history: true }),
      once: once.memory,
      ...(presence && { presence: true }),
      ...(takesTopics && { topics: true }),
      ...(contract.definition.rooms && { rooms: true }),
      ...(rejoins && { rejoin: true }),
    };
  }
}
