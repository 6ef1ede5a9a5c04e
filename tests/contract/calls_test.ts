import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { HubError, PendingCalls } from "../../contract/mod.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { runs } from "./runs.ts";

/** A signal that counts its listeners. */
class CountedAbort extends AbortController {
  listeners = 0;

  constructor() {
    super();
    const { signal } = this;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      this.listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      this.listeners--;
      remove(...args);
    };
  }
}

function scene() {
  const clock = new FakeClock();
  const calls = new PendingCalls(clock);
  const abort = new CountedAbort();
  const cancelled: number[] = [];
  const open = (name = "ask", timeoutMs = 100) => {
    const { id, answer } = calls.open(name, { timeoutMs, signal: abort.signal }, (id) => cancelled.push(id));
    answer.catch(() => {});
    return { id, answer };
  };
  const assertFreed = () => assertEquals([calls.size, clock.pending, abort.listeners], [0, 0, 0]);
  return { clock, calls, abort, cancelled, open, assertFreed };
}

const waysOut: readonly (readonly [
  name: string,
  leave: (s: ReturnType<typeof scene>, id: number) => void,
  outcome: unknown,
  told: boolean,
])[] = [
  ["an answer", ({ calls }, id) => calls.resolve(id, 42), 42, false],
  ["an answer of undefined", ({ calls }, id) => calls.resolve(id, undefined), undefined, false],
  [
    "an error",
    ({ calls }, id) => calls.reject(id, { code: "FULL", message: "no", data: 1 }),
    "FULL: no",
    false,
  ],
  ["a timeout", ({ clock }) => clock.advance(100), 'TIMEOUT: No answer to "ask" within 100 ms', true],
  ["an abort", ({ abort }) => abort.abort(new HubError("STOP", "enough")), "STOP: enough", true],
  [
    "the end of the link",
    ({ calls }) => calls.failAll((name) => new HubError("DISCONNECTED", `${name} is over`)),
    "DISCONNECTED: ask is over",
    false,
  ],
];

for (const [name, leave, outcome, told] of waysOut) {
  test(`a question that ends by ${name} frees its entry, timer and listener`, async () => {
    const s = scene();
    const { id, answer } = s.open();
    assertEquals([s.calls.size, s.clock.pending, s.abort.listeners], [1, 1, 1]);
    leave(s, id);
    s.assertFreed();
    const got = await answer.catch((error) => {
      assert(error instanceof HubError);
      return `${error.code}: ${error.message}`;
    });
    assertEquals(got, outcome);
    assertEquals(s.cancelled, told ? [id] : []);

    // Late messages change nothing, and no caller is told again.
    s.calls.resolve(id, "late");
    s.calls.reject(id, { code: "LATE", message: "late" });
    s.clock.advance(1_000);
    s.abort.abort();
    s.calls.failAll(() => new Error("late"));
    s.assertFreed();
    assertEquals(s.cancelled, told ? [id] : []);
    assertEquals(await answer.catch((error) => `${error.code}: ${error.message}`), outcome);
  });
}

test("a question whose signal is aborted already is never opened", () => {
  const s = scene();
  s.abort.abort(new HubError("STOP"));
  assertThrows(() => s.open(), HubError, "STOP");
  s.assertFreed();
  assertEquals(s.cancelled, []);
});

test("a forgotten question frees all its resources, and no report is made", async () => {
  const s = scene();
  const { id, answer } = s.open();
  s.calls.forget(undefined);
  assertEquals(s.calls.size, 1);
  s.calls.forget(id);
  s.assertFreed();
  s.calls.resolve(id, "late");
  s.clock.advance(1_000);
  const pending = {};
  assertEquals(await Promise.race([answer, Promise.resolve(pending)]), pending);
  assertEquals(s.cancelled, []);
});

test("answers without a question are ignored, whatever the id", async () => {
  const s = scene();
  const { id, answer } = s.open();
  for (const other of [0, -1, id + 1, 0.5, NaN, Infinity, 2 ** 53]) {
    s.calls.resolve(other, "wrong");
    s.calls.reject(other, { code: "WRONG", message: "wrong" });
  }
  assertEquals(s.calls.size, 1);
  s.calls.resolve(id, "right");
  assertEquals(await answer, "right");
  s.assertFreed();
});

test("an error that is one of ours already arrives as itself", async () => {
  const s = scene();
  const { id, answer } = s.open();
  const error = new HubError("OURS", "with a cause", { cause: new Error("why") });
  s.calls.reject(id, error);
  assertEquals(await assertRejects(() => answer, HubError) === error, true);
});

test("a question may be opened while the link's others end, and is not ended with them", () => {
  const s = scene();
  s.open();
  let later: { id: number } | undefined;
  s.calls.failAll((name) => {
    later ??= s.open("later");
    return new Error(name);
  });
  s.calls.resolve(later!.id, 1);
  s.assertFreed();
});

type Step = readonly ["open" | "resolve" | "reject" | "advance" | "failAll", number];

test("in any order of events each question ends once, as the first event says, and all is freed", async () => {
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom("open", "open", "resolve", "reject", "advance", "failAll"),
    fc.integer({ min: 1, max: 12 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      const s = scene();
      const waiting = new Map<number, number>();
      const expected = new Map<number, string>();
      const answers = new Map<number, Promise<string>>();
      const end = (id: number, how: string) => waiting.delete(id) && expected.set(id, how);
      for (const [what, n] of steps) {
        if (what === "open") {
          const { id, answer } = s.open(`q${n}`, n);
          waiting.set(id, s.clock.now() + n);
          answers.set(id, answer.then((value) => `= ${value}`, ({ code }) => code));
        } else if (what === "resolve") {
          end(n, `= ${n}`);
          s.calls.resolve(n, n);
        } else if (what === "reject") {
          end(n, `NO${n}`);
          s.calls.reject(n, { code: `NO${n}`, message: "" });
        } else if (what === "advance") {
          for (const [id, at] of [...waiting]) if (at <= s.clock.now() + n) end(id, "TIMEOUT");
          s.clock.advance(n);
        } else {
          for (const id of [...waiting.keys()]) end(id, "GONE");
          s.calls.failAll(() => new HubError("GONE"));
        }
        assertEquals([s.calls.size, s.clock.pending, s.abort.listeners], Array(3).fill(waiting.size));
      }
      for (const id of [...waiting.keys()]) end(id, "STOP");
      s.abort.abort(new HubError("STOP"));
      s.assertFreed();
      for (const [id, answer] of answers) assertEquals(await answer, expected.get(id));
    }),
    runs(300),
  );
});
