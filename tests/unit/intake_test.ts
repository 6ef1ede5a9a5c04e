import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type Backlogged, Intake } from "../../transports/websocket/intake.ts";
import { runs } from "../contract/runs.ts";
import { test } from "../harness.ts";

/** A turn's share of small frames, as the intake has it. */
const SHARE = 2_048;

/** Links whose frames are numbers, and the end of the turn. */
class Scene {
  readonly heard: string[] = [];
  readonly #ends: (() => void)[] = [];
  readonly intake = new Intake((callback) => this.#ends.push(callback));

  /** How often the end of the turn is waited for. */
  get watches(): number {
    return this.#ends.length;
  }

  endTurn(): void {
    this.heard.length = 0;
    for (const end of this.#ends.splice(0)) end();
  }

  link(name: string): FakeLink {
    return new FakeLink(name, this);
  }
}

class FakeLink implements Backlogged {
  readonly #name: string;
  readonly #scene: Scene;
  readonly waiting: { readonly frame: string; readonly size: number }[] = [];
  #said = 0;

  constructor(name: string, scene: Scene) {
    this.#name = name;
    this.#scene = scene;
  }

  get nextSize(): number | undefined {
    return this.waiting[0]?.size;
  }

  next(): void {
    this.#scene.heard.push(this.waiting.shift()!.frame);
  }

  /** The client says so many frames. */
  say(count: number, size = 0): void {
    for (let i = 0; i < count; i++) {
      const frame = `${this.#name}${this.#said++}`;
      if (this.#scene.intake.admits(this, size)) this.#scene.heard.push(frame);
      else this.waiting.push({ frame, size });
    }
  }
}

const numbered = (name: string, from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `${name}${from + i}`);

test("intake: messages within a turn's share are read at once, and small numbers are not even watched", () => {
  const scene = new Scene();
  const [a, b] = [scene.link("a"), scene.link("b")];
  a.say(10);
  b.say(10);
  assertEquals([scene.heard.length, scene.watches], [20, 0]);
  a.say(SHARE - 20);
  assertEquals([scene.heard.length, scene.watches], [SHARE, 1]);
  scene.endTurn();
  a.say(SHARE);
  assertEquals(scene.heard, numbered("a", SHARE - 10, 2 * SHARE - 10));
});

test("intake: messages beyond a turn's share are read in the next turns, in order, and nothing overtakes them", () => {
  const scene = new Scene();
  const a = scene.link("a");
  a.say(2 * SHARE + 10);
  assertEquals(scene.heard, numbered("a", 0, SHARE));
  scene.endTurn();
  assertEquals(scene.heard, numbered("a", SHARE, 2 * SHARE));
  a.say(1);
  assertEquals(scene.heard.length, SHARE);
  scene.endTurn();
  assertEquals(scene.heard, numbered("a", 2 * SHARE, 2 * SHARE + 11));
  a.say(1);
  assertEquals([a.waiting.length, scene.heard.at(-1)], [0, `a${2 * SHARE + 11}`]);
});

test("intake: when catching up takes exactly a turn's share, later messages are not forgotten", () => {
  const scene = new Scene();
  const a = scene.link("a");
  a.say(2 * SHARE);
  scene.endTurn();
  assertEquals([scene.heard.length, a.waiting.length], [SHARE, 0]);
  a.say(1);
  scene.endTurn();
  assertEquals([scene.heard, a.waiting.length], [[`a${2 * SHARE}`], 0]);
});

test("intake: links that are behind are read in rotation, whatever the others have sent", () => {
  const scene = new Scene();
  const [flood, b, c] = [scene.link("a"), scene.link("b"), scene.link("c")];
  flood.say(10 * SHARE);
  b.say(40);
  c.say(1);
  assertEquals(scene.heard.length, SHARE);
  scene.endTurn();
  assertEquals(scene.heard.filter((frame) => !frame.startsWith("a")), [
    ...numbered("b", 0, 32),
    "c0",
    ...numbered("b", 32, 40),
  ]);
  assertEquals(scene.heard.indexOf("b0"), 32);
});

test("intake: large frames count for more, and a frame larger than every share is still read", () => {
  const scene = new Scene();
  const a = scene.link("a");
  a.say(10, 1024 * 1024);
  assertEquals([scene.heard.length, a.waiting.length], [4, 6]);
  scene.endTurn();
  assertEquals([scene.heard.length, a.waiting.length], [4, 2]);
  a.say(2, 64 * 1024 * 1024);
  scene.endTurn();
  assertEquals([scene.heard.length, a.waiting.length], [3, 1]);
  scene.endTurn();
  assertEquals([scene.heard.length, a.waiting.length], [1, 0]);
});

test("intake: all messages are read in the order of each link, whenever turns end", () => {
  const step = fc.record({
    link: fc.nat(3),
    count: fc.nat(3_000),
    size: fc.constantFrom(0, 0, 0, 5_000),
    end: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12, size: "max" }), (steps) => {
      const scene = new Scene();
      const links = [..."abcd"].map((name) => scene.link(name));
      const heard: string[] = [];
      const said = links.map(() => 0);
      for (const { link, count, size, end } of steps) {
        links[link]!.say(count, size);
        said[link]! += count;
        heard.push(...scene.heard.splice(0));
        if (end) scene.endTurn();
      }
      heard.push(...scene.heard.splice(0));
      while (scene.watches > 0) {
        scene.endTurn();
        heard.push(...scene.heard.splice(0));
      }
      for (const [i, name] of [..."abcd"].entries()) {
        assertEquals(heard.filter((frame) => frame.startsWith(name)), numbered(name, 0, said[i]!));
      }
    }),
    runs(60),
  );
});

test("intake: a link that is gone is read no more, and the others go on", () => {
  const scene = new Scene();
  const [a, b] = [scene.link("a"), scene.link("b")];
  a.say(SHARE + 5);
  b.say(5);
  a.waiting.length = 0;
  scene.intake.forget(a);
  scene.endTurn();
  assertEquals(scene.heard, numbered("b", 0, 5));
});
