/**
 * What lies between a client and its hub, for tests that look at it or choose another way.
 *
 * @module
 */

import type { ClientTransport } from "@trunkline/hub/transports/transport";
import { HubError } from "@trunkline/hub";

/** Lets everything run that is ready to. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Lets microtasks run, and nothing else: no timer, no message of another thread. */
export async function microtasks(count = 50): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

/** The error of a rejected promise; fails if it does not reject. */
export async function rejection(promise: Promise<unknown>): Promise<HubError> {
  try {
    await promise;
  } catch (error) {
    return error as HubError;
  }
  throw new Error("Expected the promise to reject");
}

/** The code of what a function throws, or a promise rejects with. */
export async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    return error instanceof HubError ? error.code : `not a HubError: ${error}`;
  }
  return "no error";
}

/** Writes down every frame that the server sends. */
export function recorded(inner: ClientTransport, frames: string[]): ClientTransport {
  return {
    connect: (url, subprotocols, events) =>
      inner.connect(url, subprotocols, {
        open: (link) => events.open(link),
        message: (frame) => {
          frames.push(String(frame));
          events.message(frame);
        },
        drain: () => events.drain(),
        close: (code, reason) => {
          frames.push(`closed ${code} ${reason}`);
          events.close(code, reason);
        },
      }),
  };
}

/** Leads to different hubs, by URL. */
export function network(hubs: Readonly<Record<string, ClientTransport>>): ClientTransport {
  return { connect: (url, ...rest) => hubs[url]!.connect(url, ...rest) };
}

/** A client that says what it is told to, and nothing of its own. */
export interface RawClient {
  /** The messages that came, in order. */
  readonly heard: readonly (readonly unknown[])[];
  /** How the link ended. */
  readonly closed: { readonly code: number; readonly reason: string } | undefined;
  /** Sends messages in one frame. */
  say(...messages: readonly unknown[][]): void;
  /** Sends a frame as it is. */
  sayRaw(frame: string): void;
  leave(): void;
}

/** Opens a link and says hello (nothing, when that is `null`); resolves when the server has answered or closed. */
export async function rawClient(
  transport: ClientTransport,
  hello: unknown = { role: "member" },
): Promise<RawClient> {
  const heard: (readonly unknown[])[] = [];
  const answered = Promise.withResolvers<void>();
  let sayRaw = (_frame: string) => {};
  let closed: RawClient["closed"];
  const leave = transport.connect("ws://loopback", ["trunkline.v1.json"], {
    open(link) {
      sayRaw = (frame) => link.send(frame);
      if (hello === null) answered.resolve();
      else sayRaw(JSON.stringify([["hello", hello]]));
    },
    message(frame) {
      heard.push(...JSON.parse(frame as string));
      answered.resolve();
    },
    drain() {},
    close(code, reason) {
      closed = { code, reason };
      answered.resolve();
    },
  });
  await answered.promise;
  return {
    heard,
    get closed() {
      return closed;
    },
    say: (...messages) => sayRaw(JSON.stringify(messages)),
    sayRaw: (frame) => sayRaw(frame),
    leave: () => leave(1000, ""),
  };
}
