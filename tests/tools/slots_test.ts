import { assertEquals } from "@std/assert";
import { runInSlots } from "../../tools/testing/slots.ts";
import { test, waitFor } from "../harness.ts";

/** Tasks that end when they are told to, and processors that are as idle as they are told to be. */
class Scene {
  readonly begun: number[] = [];
  readonly #ends: (() => void)[] = [];
  #look = () => {};
  #idle = 0;
  #looks = 0;
  readonly done: Promise<void>;

  constructor(count: number) {
    const tasks = Array.from({ length: count }, (_, i) => () => {
      this.begun.push(i);
      return new Promise<void>((resolve) => this.#ends[i] = resolve);
    });
    this.done = runInSlots(tasks, {
      least: 2,
      most: 4,
      idle: () => {
        this.#looks++;
        return this.#idle;
      },
      pause: () => new Promise((resolve) => this.#look = resolve),
    });
  }

  /** Ends a task. */
  end(task: number): void {
    this.#ends[task]!();
  }

  /** Lets it look at processors of which this share was idle. */
  async look(idle: number): Promise<void> {
    const before = this.#looks;
    this.#idle = idle;
    this.#look();
    await waitFor(() => this.#looks > before, { what: "it to look at the processors" });
  }
}

test("tasks begin in their order, and one that ends makes room for the next", async () => {
  const scene = new Scene(4);
  assertEquals(scene.begun, [0, 1]);
  scene.end(1);
  await waitFor(() => scene.begun.length === 3);
  scene.end(0);
  await waitFor(() => scene.begun.length === 4);
  assertEquals(scene.begun, [0, 1, 2, 3]);
  scene.end(2);
  scene.end(3);
  await scene.done;
});

test("while the processors are idle more tasks begin, one after each look, up to the most", async () => {
  const scene = new Scene(6);
  await scene.look(0.1);
  assertEquals(scene.begun.length, 2, "they are busy");
  await scene.look(0.5);
  await waitFor(() => scene.begun.length === 3);
  await scene.look(0.5);
  await waitFor(() => scene.begun.length === 4);
  await scene.look(0.9);
  assertEquals(scene.begun.length, 4, "the most are running");
  for (const task of [0, 1, 2]) scene.end(task);
  await waitFor(() => scene.begun.length === 5); // one of the least again
  for (const task of [3, 4]) scene.end(task);
  await waitFor(() => scene.begun.length === 6);
  scene.end(5);
  await scene.done;
});

test("a task that fails ends the run with its error", async () => {
  const tasks = [() => Promise.reject(new TypeError("no")), () => Promise.resolve()];
  const slots = { least: 1, most: 1, pause: () => new Promise<void>(() => {}) };
  const error = await runInSlots(tasks, slots).catch((reason) => reason);
  assertEquals(error.message, "no");
});
