/**
 * A hub over the loopback transport, with a fake clock, whose contract and options a test writes without types: what
 * JavaScript may give.
 *
 * @module
 */

import { createHub, defineContract, HubError, type HubErrorInfo } from "@trunkline/hub";
import type { Encoded } from "@trunkline/hub/contract";
import { createLoopbackTransport, type LoopbackClientOptions } from "@trunkline/hub/transports/loopback";
import type { Link } from "../../transports/transport.ts";
import { waitFor } from "../harness.ts";

// deno-lint-ignore no-explicit-any
export type Untyped = any;

/** A schema that lets everything pass, or answers what it is told to. */
export function schema(validate: (value: unknown) => unknown = (value) => ({ value })): Untyped {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

export const pass = schema();

/** One end that speaks the protocol by hand. */
export interface Peer {
  readonly heard: Untyped[];
  /** How the link ended, when it has. */
  readonly closed: { readonly code: number; readonly reason: string } | undefined;
  /** Sends messages in one frame. */
  send(...messages: unknown[]): void;
  /** Sends a frame as it is. */
  say(frame: Encoded): void;
  /** Waits for the first message of a kind, with an id where one is given. */
  hears(kind: string, id?: unknown): Promise<Untyped>;
  /** Waits for the end. */
  ends(): Promise<{ readonly code: number; readonly reason: string }>;
  leave(): void;
}

export interface Scene extends AsyncDisposable {
  readonly hub: Untyped;
  readonly errors: { readonly error: Untyped; readonly info: HubErrorInfo }[];
  /** Opens a link; without a hello. */
  dial(options?: LoopbackClientOptions & { readonly url?: string }): Peer;
  /** Opens a link and says hello. */
  enter(): Promise<Peer>;
}

/**
 * Starts a hub.
 *
 * @param definition The contract.
 * @param options Options of the hub beside those that the scene needs.
 */
export async function stage(definition: Untyped, options: Untyped = {}): Promise<Scene> {
  const loopback = createLoopbackTransport();
  const errors: { error: Untyped; info: HubErrorInfo }[] = [];
  const hub: Untyped = createHub(defineContract(definition), {
    authenticate: ({ role }: Untyped) => ({ role }),
    transports: [loopback],
    onError: (error: unknown, info: HubErrorInfo) => void errors.push({ error, info }),
    ...options,
  } as Untyped);
  await hub.ready;
  const peers: Peer[] = [];
  const dial: Scene["dial"] = ({ url = "ws://hub/", ...client } = {}) => {
    let link: Link | undefined;
    let closed: Peer["closed"];
    const heard: Untyped[] = [];
    const early: Encoded[] = [];
    const close = loopback.client(client).connect(url, ["trunkline.v1.json"], {
      open(opened) {
        link = opened;
        for (const frame of early.splice(0)) link.send(frame);
      },
      message: (frame) => void heard.push(...JSON.parse(frame as string)),
      drain() {},
      close: (code, reason) => void (closed = { code, reason }),
    });
    const say = (frame: Encoded) => link ? link.send(frame) : void early.push(frame);
    const peer: Peer = {
      heard,
      get closed() {
        return closed;
      },
      say,
      send: (...messages) => say(JSON.stringify(messages)),
      hears: (kind, id) =>
        waitFor(() => heard.find((m) => m[0] === kind && (id === undefined || m[1] === id)), {
          what: `"${kind}" ${id ?? ""}; heard ${JSON.stringify(heard).slice(0, 500)}, ${
            JSON.stringify(closed)
          }`,
        }),
      ends: () => waitFor(() => closed, { what: "the link to end" }),
      leave: () => close(1000, ""),
    };
    peers.push(peer);
    return peer;
  };
  return {
    hub,
    errors,
    dial,
    async enter() {
      const peer = dial();
      peer.send(["hello", { role: "m" }]);
      await peer.hears("welcome");
      return peer;
    },
    async [Symbol.asyncDispose]() {
      for (const peer of peers) if (!peer.closed) peer.leave();
      await hub.close();
    },
  };
}

export { HubError };
