// An adapter of your own, in less than 100 lines. It uses a relay that knows no channels, with one WebSocket per node.
import type { Adapter, AdapterContext, AdapterWaitOptions } from "@trunkline/hub/adapters/adapter";
import { decodeEnvelope, encodeTextEnvelope } from "@trunkline/hub/adapters/envelope";

const MAX_BUFFERED_BYTES = 16 * 1024 * 1024;
const PROBE_MS = 2_000;

/** Creates an adapter. Nodes with the same URL and prefix form a cluster. */
export function createRelayAdapter({ url, prefix }: { url: string; prefix: string }): Adapter {
  const channels = new Set<string>();
  const told = new Set<string>(); // reports each kind of trouble once per outage
  let up = Promise.withResolvers<void>(); // a new one for each outage
  let context: AdapterContext | undefined, socket: WebSocket; // set between open and close
  let isUp = false, closed = false, stopTimer = () => {};

  const report = (what: string, info: Parameters<AdapterContext["onError"]>[1]) => {
    if (told.has(info.stage)) return;
    told.add(info.stage);
    context?.onError(new Error(`The relay at ${url}: ${what}`), info);
  };
  const untilUp = ({ signal }: AdapterWaitOptions = {}) =>
    new Promise<void>((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
      up.promise.then(resolve, reject);
    });

  function connect(): void {
    const own = socket = new WebSocket(`${url}/${encodeURIComponent(prefix)}`); // each prefix has its own room
    let heard = true;
    const lose = (why: string) => {
      own.onmessage = own.onclose = null; // a dead socket may notice its end much later
      own.close();
      clearInterval(probe);
      report(why, { stage: "delivery" });
      if (isUp) [isUp, up] = [false, Promise.withResolvers()], context!.onStatus("down");
      up.promise.catch(() => {}); // there may be no subscriber that waits
      const retry = setTimeout(connect, 100 + 200 * Math.random());
      stopTimer = () => clearTimeout(retry);
    };
    const probe = setInterval(() => { // finds half-open connections: no message arrives on them
      if (!heard) return lose(`no message for ${PROBE_MS} ms`);
      heard = false;
      if (own.readyState === WebSocket.OPEN) own.send("ping");
    }, PROBE_MS);
    stopTimer = () => clearInterval(probe);
    own.onclose = () => lose("the connection is lost, or cannot be opened");
    own.onmessage = ({ data: text }) => {
      heard = true;
      if (text === "pong") return;
      if (text !== "welcome") return receive(text);
      isUp = true; // every subscription is live, because the relay sends all messages
      told.clear();
      context!.onStatus("up");
      up.resolve();
    };
  }

  function receive(text: string): void {
    try {
      const [channel, raw] = JSON.parse(text);
      const envelope = decodeEnvelope(raw);
      if (!envelope) report("ignored a message of no hub", { stage: "delivery", channel, foreign: 1 });
      else if (channels.has(channel)) context?.deliver(channel, envelope.data, envelope.from);
    } catch {
      report("ignored a message that is not a JSON list", { stage: "delivery", foreign: 1 });
    }
  }

  async function close(): Promise<void> {
    closed = true;
    if (!context) return; // not open, or closed already
    up.reject(new Error("The relay adapter was closed meanwhile"));
    context = undefined;
    stopTimer();
    if (socket.readyState === WebSocket.CLOSED) return;
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, PROBE_MS);
      socket.onclose = () => (clearTimeout(late), resolve());
      socket.close(); // messages that were sent before still go out
    });
  }

  return {
    name: "relay",
    async open(given, options) {
      if (context || closed) throw new Error("Cannot open a relay adapter twice, or after close");
      context = given;
      connect();
      await untilUp(options).catch((error) => (void close(), Promise.reject(error)));
    },
    async subscribe(channel, options) {
      if (!context) throw new Error("Cannot subscribe: the relay adapter is not open");
      options?.signal?.throwIfAborted();
      await untilUp(options);
      channels.add(channel);
    },
    unsubscribe: (channel) => Promise.resolve(void channels.delete(channel)),
    publish(channel, data) {
      if (!context) return;
      const text = JSON.stringify([channel, encodeTextEnvelope(context.nodeId, data)]);
      if (isUp && socket.bufferedAmount < MAX_BUFFERED_BYTES) return socket.send(text);
      queueMicrotask(() => report("loses messages: away, or buffer full", { stage: "publish", channel }));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
