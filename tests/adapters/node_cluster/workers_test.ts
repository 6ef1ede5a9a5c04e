import { assert, assertEquals } from "@std/assert";
import cluster, { type Worker } from "node:cluster";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { relayNodeCluster } from "../../../adapters/node_cluster/mod.ts";
import { sendSignal } from "../../../tools/brokers/signal.ts";
import { test, waitFor } from "../../harness.ts";
import type { Order, Word } from "./worker_process.ts";

/** A worker of this process, and all that it said. */
class Forked implements AsyncDisposable {
  readonly words: Word[] = [];
  readonly #worker: Worker;
  readonly #exited: Promise<void>;

  constructor(prefix: string) {
    cluster.setupPrimary({ exec: fileURLToPath(new URL("./worker_process.ts", import.meta.url)) });
    this.#worker = cluster.fork({ PREFIX: prefix });
    this.#worker.on("message", ({ word }: { readonly word?: Word }) => void (word && this.words.push(word)));
    this.#exited = new Promise((resolve) => this.#worker.once("exit", () => resolve()));
  }

  get pid(): number {
    return this.#worker.process.pid!;
  }

  all<K extends Word[0]>(kind: K): (Word & readonly [K, ...unknown[]])[] {
    return this.words.filter((word): word is Word & readonly [K, ...unknown[]] => word[0] === kind);
  }

  get nodeId(): string {
    return this.all("ready")[0]![1];
  }

  tell(...order: Order): void {
    this.#worker.send({ order });
  }

  async kill(): Promise<void> {
    this.#worker.process.kill("SIGKILL");
    await this.#exited;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

/** Starts workers, and waits until each knows all. */
async function startWorkers(count: number): Promise<Forked[]> {
  const prefix = crypto.randomUUID();
  const workers = Array.from({ length: count }, () => new Forked(prefix));
  await waitFor(() => workers.every((worker) => worker.all("ready").length > 0), {
    what: "the workers",
    timeoutMs: 20_000,
  });
  for (const worker of workers) {
    await waitFor(() => {
      worker.tell("nodes");
      return worker.all("nodes").at(-1)?.[1].length === count;
    }, { what: "the workers to know each other" });
  }
  return workers;
}

const TIME = { timeoutMs: 60_000 };

test("node-cluster: workers get each other's messages, each once and each publisher's in order", async () => {
  using _relay = relayNodeCluster();
  const workers = await startWorkers(3);
  await using stack = new AsyncDisposableStack();
  for (const worker of workers) stack.use(worker);
  for (const [i, worker] of workers.entries()) worker.tell("say", `worker ${i}:`, 300);
  for (const worker of workers) {
    await waitFor(() => worker.all("heard").length >= 900, { what: "everything", timeoutMs: 20_000 });
    const heard = worker.all("heard").map(([, text]) => text);
    for (const i of workers.keys()) {
      const wanted = Array.from({ length: 300 }, (_, n) => `worker ${i}: ${n}`);
      assertEquals(heard.filter((text) => text.startsWith(`worker ${i}:`)), wanted);
    }
    assertEquals(worker.all("error"), []);
  }
}, TIME);

test(
  "node-cluster: the others learn at once that a worker was killed; a worker that closes says goodbye",
  async () => {
    using _relay = relayNodeCluster();
    const workers = await startWorkers(3);
    await using stack = new AsyncDisposableStack();
    for (const worker of workers) stack.use(worker);
    const [a, b, c] = workers as [Forked, Forked, Forked];
    await c.kill();
    for (const worker of [a, b]) {
      // By silence it would take 30 s.
      await waitFor(() => worker.all("left").length > 0, { what: "the leave", timeoutMs: 10_000 });
      assertEquals(worker.all("left"), [["left", c.nodeId, "ended"]]);
    }
    b.tell("close");
    await waitFor(() => a.all("left").length === 2, { what: "the goodbye" });
    assertEquals(a.all("left")[1], ["left", b.nodeId, "goodbye"]);
    await waitFor(() => b.all("closed").length > 0, { what: "the close" });
    await b.kill(); // its session has ended before
    a.tell("nodes");
    const before = a.all("nodes").length;
    await waitFor(() => a.all("nodes").length > before, { what: "the nodes" });
    assertEquals(a.all("left").length, 2);
  },
  TIME,
);

test(
  "node-cluster: a frozen worker loses its session, fills no memory of the others, and comes back",
  async () => {
    using _relay = relayNodeCluster({ maxPendingBytes: 256 * 1024 });
    const workers = await startWorkers(3);
    await using stack = new AsyncDisposableStack();
    for (const worker of workers) stack.use(worker);
    const [a, b, c] = workers as [Forked, Forked, Forked];
    sendSignal(c.pid, "SIGSTOP");
    try {
      for (let i = 0; i < 20; i++) {
        a.tell("say", "x".repeat(1_000) + i, 100);
        const wanted = 100 * (i + 1);
        await waitFor(() => b.all("heard").length === wanted, {
          what: "the other worker",
          timeoutMs: 20_000,
        });
      }
    } finally {
      process.kill(c.pid, "SIGCONT");
    }
    await waitFor(() => c.all("backplane").at(-1)?.[1] === "up" && c.all("backplane").length >= 2, {
      what: "the worker to be back",
      timeoutMs: 20_000,
    });
    const [error] = c.all("error").map(([, message]) => message).filter((text) =>
      text.includes("does not read")
    );
    assert(error?.includes("262144 bytes"), error);
    const heard = c.all("heard").map(([, text]) => text);
    assertEquals(new Set(heard).size, heard.length); // nothing twice
    assert(heard.length < 1_000, `${heard.length} of 2000 were kept for it`);
    a.tell("say", "after", 1);
    await waitFor(() => c.all("heard").at(-1)?.[1] === "after 0", { what: "what came after" });
    assertEquals([a.all("error"), b.all("error")], [[], []]);
  },
  TIME,
);
