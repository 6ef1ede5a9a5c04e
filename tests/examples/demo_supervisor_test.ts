import { assertEquals, assertRejects } from "@std/assert";
import { writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ADAPTERS } from "../../examples/demo/adapters.ts";
import type { Slot } from "../../examples/demo/contract.ts";
import type { Order, Report } from "../../examples/demo/node/worker.ts";
import { originsOf } from "../../examples/demo/page_server.ts";
import { Supervisor } from "../../examples/demo/supervisor.ts";
import { test } from "../harness.ts";

/** A worker without a thread: the test says what it reports. */
class FakeWorker {
  onmessage: (event: { data: Report }) => void = () => {};
  onerror: (event: { message: string; preventDefault(): void }) => void = () => {};
  readonly orders: Order[] = [];
  terminated = false;

  constructor(workers: FakeWorker[]) {
    workers.push(this);
  }

  postMessage(order: Order): void {
    this.orders.push(order);
    if (order.kind === "stop") setTimeout(() => this.report({ kind: "stopped" }), 0);
  }

  report(data: Report): void {
    this.onmessage({ data });
  }

  terminate(): void {
    this.terminated = true;
  }
}

/** A supervisor of nodes in fake workers. */
class Stage implements Disposable {
  readonly workers: FakeWorker[] = [];
  readonly log: string[] = [];
  readonly supervisor: Supervisor;
  readonly #worker = globalThis.Worker;

  constructor(nodes: number, readonly firstPort = 8_001) {
    const { workers } = this;
    Object.assign(globalThis, {
      Worker: class extends FakeWorker {
        constructor() {
          super(workers);
        }
      },
    });
    this.supervisor = new Supervisor({
      adapter: "broadcast-channel",
      prefix: "demo",
      ports: Array.from({ length: nodes }, (_, index) => firstPort + index),
      origins: [],
      seed: "",
      log: (text) => this.log.push(text),
    });
  }

  /** Starts all nodes. */
  async open(): Promise<void> {
    const opened = this.supervisor.open();
    this.workers.forEach((worker, index) => worker.report({ kind: "started", port: this.firstPort + index }));
    await opened;
    this.log.length = 0;
  }

  get states(): Slot["state"][] {
    return this.supervisor.slots.map(({ state }) => state);
  }

  [Symbol.dispose](): void {
    globalThis.Worker = this.#worker;
  }
}

test("demo: a node that crashes by itself counts as stopped, the terminal says why, and it can start again", async () => {
  using stage = new Stage(2);
  await stage.open();
  const [first, second] = stage.workers;
  second!.onerror({ message: "Uncaught Error: no luck", preventDefault() {} });
  assertEquals(stage.states, ["running", "stopped"]);
  assertEquals(stage.log, ["Node 2 has crashed: Uncaught Error: no luck"]);
  assertEquals(second!.terminated, true);
  const told = first!.orders.at(-1);
  assertEquals(told?.kind === "slots" && told.slots.map(({ state }) => state), stage.states);

  const again = stage.supervisor.act(2, "start");
  stage.workers[2]!.report({ kind: "started", port: 8_002 });
  await again;
  assertEquals(stage.states, ["running", "running"]);
  await stage.supervisor.close();
});

test("demo: a node that fails while it stops has stopped, and the terminal says why", async () => {
  using stage = new Stage(1);
  await stage.open();
  const worker = stage.workers[0]!;
  worker.postMessage = () => queueMicrotask(() => worker.report({ kind: "failed", message: "no luck" }));
  await stage.supervisor.act(1, "stop");
  assertEquals(stage.states, ["stopped"]);
  assertEquals(stage.log, ["Node 1 has crashed: no luck", "Node 1 has stopped"]);
});

test("demo: a node that starts while the demo ends is stopped too", async () => {
  using stage = new Stage(2);
  await stage.open();
  await stage.supervisor.act(2, "stop");
  const start = stage.supervisor.act(2, "start");
  const closed = stage.supervisor.close();
  stage.workers[2]!.report({ kind: "started", port: 8_002 });
  await Promise.all([start, closed]);
  assertEquals(stage.states, ["stopped", "stopped"]);
  assertEquals(stage.workers.map(({ terminated }) => terminated), [true, true, true]);
  await assertRejects(() => stage.supervisor.act(1, "start"), Error, "Cannot start node 1: the demo ends");
});

test("demo: a node that stops while the demo ends stops once", async () => {
  using stage = new Stage(1);
  await stage.open();
  await Promise.all([stage.supervisor.act(1, "stop"), stage.supervisor.close()]);
  assertEquals(stage.log, ["Node 1 has stopped"]);
  assertEquals(stage.workers[0]!.orders.filter(({ kind }) => kind === "stop").length, 1);
});

test("demo: if one node cannot start, the others are stopped, also those that start later", async () => {
  using stage = new Stage(2);
  const opened = stage.supervisor.open();
  stage.workers[0]!.report({ kind: "failed", message: "no luck" });
  await assertRejects(() => opened, Error, "Cannot start node 1: no luck");
  const closed = stage.supervisor.close();
  stage.workers[1]!.report({ kind: "started", port: 8_002 });
  await closed;
  assertEquals(stage.workers.map(({ terminated }) => terminated), [true, true]);
});

test("demo: killing a node twice at once, and stopping it then, ends it once", async () => {
  using stage = new Stage(1);
  await stage.open();
  await Promise.all((["kill", "kill", "stop"] as const).map((action) => stage.supervisor.act(1, action)));
  assertEquals(stage.states, ["stopped"]);
  assertEquals(stage.log, ["Node 1 was killed"]);
});

test("demo: on the usual port of the web, browsers name the page without it, and a node comes back to it", async () => {
  assertEquals(originsOf(80), ["http://127.0.0.1", "http://localhost"]);
  assertEquals(originsOf(8_000), ["http://127.0.0.1:8000", "http://localhost:8000"]);
  using stage = new Stage(1, 80);
  await stage.open();
  await stage.supervisor.act(1, "stop");
  const start = stage.supervisor.act(1, "start");
  const [order] = stage.workers[1]!.orders;
  assertEquals(order?.kind === "start" && order.options.port, 80);
  stage.workers[1]!.report({ kind: "started", port: 80 });
  await start;
  await stage.supervisor.close();
});

test("demo: the sockets of ZeroMQ do not outlive the demo", async () => {
  const socket = join(tmpdir(), "trunkline-demo-tidy-1");
  await writeFile(socket, "");
  await ADAPTERS.zeromq!.tidy!("demo-tidy");
  assertEquals(existsSync(socket), false);
});
