/**
 * A client inside the process: it reads when it is told to, and what it does not read waits in the hub at once.
 *
 * @module
 */

import { type Codec, jsonCodec } from "@trunkline/hub";
import type { LoopbackClient, LoopbackTransport } from "@trunkline/hub/transports/loopback";
import type { LoadClientOptions } from "./load_client.ts";

/** A connection that hears everything, and says little. */
export class LoopClient {
  /** The hub's id of it. */
  id = "";
  /** The close code, once it is closed. */
  closed: number | undefined;
  /** Called with every event, topic message and answer. */
  onMessage: (payload: unknown) => void = () => {};
  readonly #line: LoopbackClient;
  readonly #codec: Codec;
  readonly #opened = Promise.withResolvers<void>();
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();
  #lastId = 0;
  #leave = (_code: number, _reason: string) => {};
  #say = (_message: unknown[]) => {};

  private constructor(loopback: LoopbackTransport, codec: Codec) {
    this.#line = loopback.client();
    this.#codec = codec;
  }

  /** Connects; resolves when the hub has said welcome. */
  static async open(
    loopback: LoopbackTransport,
    { role = "member", token, codec = jsonCodec }: LoadClientOptions = {},
  ): Promise<LoopClient> {
    const client = new LoopClient(loopback, codec);
    client.#leave = client.#line.connect("ws://loopback", [codec.subprotocol], {
      open(link) {
        client.#say = (message) => link.send(codec.join([codec.encode(message)]));
        client.#say(["hello", { role, token }]);
      },
      message: (frame) => client.#take(codec.decode(frame) as (readonly unknown[])[]),
      drain() {},
      close(code) {
        client.closed = code;
        client.#opened.reject(new Error(`The server closed: ${code}`));
      },
    });
    await client.#opened.promise;
    return client;
  }

  /** Subscribes to a topic; resolves when that is live. */
  subscribe(topic: string): Promise<void> {
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<void>();
    this.#waiting.set(id, waiting);
    this.#say(["sub", id, topic]);
    return waiting.promise;
  }

  /** Sends a request. */
  request(name: string, input: unknown): void {
    this.#say(["req", ++this.#lastId, name, input]);
  }

  /** Stops reading. */
  pause(): void {
    this.#line.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#line.resume();
  }

  /** Leaves. */
  leave(): void {
    this.#leave(1000, "");
  }

  #take(messages: readonly (readonly unknown[])[]): void {
    for (const [kind, first, second, third] of messages) {
      if (kind === "ev" || kind === "pub") this.onMessage(second);
      else if (kind === "rec") this.onMessage(third);
      else if (kind === "welcome") {
        this.id = (first as { connection: string }).connection;
        this.#opened.resolve();
      } else if (kind === "res") {
        const waiting = this.#waiting.get(first as number);
        if (waiting) waiting.resolve();
        else this.onMessage(second);
      } else if (kind === "err") {
        const error = new Error(JSON.stringify(second));
        const waiting = this.#waiting.get(first as number);
        if (!waiting) throw error;
        waiting.reject(error);
      }
    }
  }
}
