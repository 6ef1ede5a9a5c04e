/**
 * The locks of libp2p (`mortice`), which share a BroadcastChannel with the other threads of the process. The library opens it once and
 * lets go of it on Node and Bun; Deno's channels cannot be let go of, and hold the process. So there it is given a channel that
 * is open while somebody holds it.
 *
 * @module
 */

/** The part of a BroadcastChannel that the library uses, over one that can be closed and opened again. */
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

  /** Opens it, for as long as somebody holds it. */
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

/** The library has one for the whole process, for good, and so has this. */
let shared: LockChannel | undefined;

/**
 * Sees to it that the locks of libp2p hold the process no longer than whoever needs them.
 *
 * @returns Lets go of them. Idempotent.
 */
export async function holdLocks(): Promise<() => void> {
  const { BroadcastChannel } = globalThis;
  if (!shared && BroadcastChannel && !("unref" in BroadcastChannel.prototype)) {
    const library = await import("mortice").catch(() => undefined);
    // It opens its channel in this call, and never another one.
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
