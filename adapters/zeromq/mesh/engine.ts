/**
 * The engine for a ZeroMQ mesh. Its connection is this node's membership of the mesh.
 *
 * @module
 */

import type { Engine, LinkEvents, Role } from "../../kit/engine.ts";
import type { Failure } from "../../kit/failure.ts";
import type { OutgoingMessage, PublishResults } from "../../kit/outbox.ts";
import { judge } from "../errors.ts";
import { loadZeroMq } from "../library.ts";
import { Mesh, type MeshOptions } from "./mesh.ts";
import { nameOf } from "../names.ts";

/** The engine of one adapter. */
export class MeshEngine implements Engine<Mesh> {
  readonly name = "zeromq";
  readonly title = "ZeroMQ";
  readonly batchSize = 10_000;
  readonly secrets: readonly string[];
  readonly maxMessageBytes: number;
  readonly #options: MeshOptions;
  #address: string;

  /**
   * @param options The options of the mesh.
   * @param maxMessageBytes The largest message.
   */
  constructor(options: MeshOptions, maxMessageBytes: number) {
    this.#options = options;
    this.#address = options.advertise;
    this.maxMessageBytes = maxMessageBytes;
    this.secrets = options.security.keys ? [options.security.keys.secretKey] : [];
  }

  get address(): string {
    return this.#address;
  }

  nameOf(channel: string): string {
    return nameOf(channel);
  }

  async connect(_role: Role, nodeId: string, events: LinkEvents, signal: AbortSignal): Promise<Mesh> {
    const mesh = new Mesh(this.#options, await loadZeroMq(), nodeId, events);
    try {
      signal.throwIfAborted();
      await mesh.join(signal);
      this.#address = mesh.address;
      return mesh;
    } catch (error) {
      await mesh.end();
      throw error;
    }
  }

  async destroy(mesh: Mesh): Promise<void> {
    await mesh.end();
  }

  async subscribe(mesh: Mesh, names: readonly string[]): Promise<void> {
    await mesh.subscribe(names);
  }

  async unsubscribe(mesh: Mesh, names: readonly string[]): Promise<void> {
    await mesh.unsubscribe(names);
  }

  publish(mesh: Mesh, messages: readonly OutgoingMessage[]): PublishResults {
    return mesh.publish(messages);
  }

  /** Nothing to check here: the mesh checks the connection to each other node. */
  async probe(mesh: Mesh): Promise<undefined> {
    await mesh.check();
  }

  async drain(mesh: Mesh): Promise<void> {
    await mesh.part();
  }

  countListeners(mesh: Mesh, name: string): Promise<number> {
    return Promise.resolve(1 + mesh.countTakers(name));
  }

  judge(cause: unknown): Failure {
    return judge(cause, `Cannot join ZeroMQ at ${this.address}`);
  }
}
