/**
 * The locks of libp2p (`mortice`), which share a BroadcastChannel with the other threads of the process. The library
 * opens the channel once. On Node and Bun the open channel does not keep the process alive. On Deno it does, and Deno's
 * channels have no `unref`. So on Deno the library gets a channel that is open only while the adapter holds it.
 *
 * @module
 */

/** The part of a BroadcastChannel that the library uses. It closes and reopens the real channel behind it. */
class LockChannel extends EventTarget {
  readonly #open: () => BroadcastChannel;
  #channel: BroadcastChannel | undefined;
  #holders = 0;

  /** @param open Opens the channel. */
  constructor(open: () => BroadcastChannel) {
    super();
    this.#open = open;
  }

  postMessage(data: unknown): void {
    this.#channel?.postMessage(data);
  }

  /** Keeps the channel open until the caller releases it. */
  hold(): () => void {
    let holds = true;
    if (this.#holders++ === 0) {
      this.#channel = this.#open();
      this.#channel.onmessage = ({ data }) => this.dispatchEvent(new MessageEvent("message", { data }));
    }
    return () => {
      if (!holds) return;
      holds = false;
      if (--this.#holders > 0) return;
      this.#channel?.close();
      this.#channel = undefined;
    };
  }
}

/** One for the whole process, like the library's own channel. */
let shared: LockChannel | undefined;

/**
 * Makes sure that the locks of libp2p do not keep the process alive longer than needed.
 *
 * @returns A function that releases the locks. Idempotent.
 */
export async function holdLocks(): Promise<() => void> {
  const { BroadcastChannel } = globalThis;
  if (!shared && BroadcastChannel && !("unref" in BroadcastChannel.prototype)) {
    const library = await import("mortice").catch(() => undefined);
    // The library opens its channel in this call, and only here.
    globalThis.BroadcastChannel = class {
      constructor(name: string) {
        return shared = new LockChannel(() => new BroadcastChannel(name));
      }
    } as unknown as typeof BroadcastChannel;
    try {
      library?.default();
    } finally {
      globalThis.BroadcastChannel = BroadcastChannel;
    }
  }
  return shared?.hold() ?? (() => {});
}
