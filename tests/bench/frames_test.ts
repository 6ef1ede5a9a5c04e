import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { clientFrame, concat, FrameReader } from "../../bench/load/frames.ts";
import { runs } from "../contract/runs.ts";
import { test } from "../harness.ts";

/** A server's frame: not masked, with the shortest header that its size allows, or a longer one. */
function serverFrame(payload: Uint8Array, header: "short" | "medium" | "long"): Uint8Array {
  const { length } = payload;
  const wide = header === "long" || length > 65_535;
  const medium = header === "medium" || length > 125;
  const head = wide
    ? [0x82, 127, 0, 0, 0, 0, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255]
    : medium
    ? [0x82, 126, length >> 8, length & 255]
    : [0x82, length];
  return concat([Uint8Array.from(head), payload]);
}

/** Reads chunks; gives each frame's announced size and its payload, and whether it has ended. */
function read(chunks: readonly Uint8Array[]) {
  const frames: { size: number; bytes: number[]; ended: boolean }[] = [];
  const reader = new FrameReader({
    begin: (size) => void frames.push({ size, bytes: [], ended: false }),
    payload(chunk, from, to, ends) {
      const frame = frames.at(-1)!;
      assertEquals(frame.ended, false, "a frame went on after its end");
      frame.bytes.push(...chunk.subarray(from, to));
      frame.ended = ends;
    },
  });
  for (const chunk of chunks) reader.read(chunk);
  return frames;
}

/** Cuts bytes at places that are given as shares of the whole. */
function cut(bytes: Uint8Array, shares: readonly number[]): Uint8Array[] {
  const places = [
    0,
    ...shares.map((share) => Math.floor(share * bytes.length)).sort((a, b) => a - b),
    bytes.length,
  ];
  return places.slice(1).map((to, i) => bytes.slice(places[i], to));
}

const frame = fc.record({
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.uint8Array({ minLength: 120, maxLength: 130 }),
    fc.integer({ min: 65_530, max: 65_540 }).map((size) => new Uint8Array(size).fill(7)),
  ),
  header: fc.constantFrom("short" as const, "medium" as const, "long" as const),
});
const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

test("bench: frames are read whole, wherever the bytes are cut", () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 5 }), fc.array(share, { maxLength: 20 }), (sent, shares) => {
      const bytes = concat(sent.map(({ payload, header }) => serverFrame(payload, header)));
      assertEquals(
        read(cut(bytes, shares)).map(({ size, bytes, ended }) => [size, bytes.length, ended, bytes.at(-1)]),
        sent.map(({ payload }) => [payload.length, payload.length, true, payload.at(-1)]),
      );
    }),
    runs(200),
  );
});

test("bench: frames are read whole when every byte comes alone", () => {
  const sent = ["short", "medium", "long"] as const;
  const payload = Uint8Array.from([1, 2, 3]);
  const bytes = concat([...sent, ...sent].map((header) => serverFrame(payload, header)));
  const frames = read([...bytes].map((byte) => Uint8Array.of(byte)));
  assertEquals(frames, Array(6).fill({ size: 3, bytes: [1, 2, 3], ended: true }));
});

test("bench: a frame of a client is masked, and has the length in its header", () => {
  for (const size of [0, 125, 126, 65_535]) {
    const sent = clientFrame("x".repeat(size));
    assertEquals(sent[0], 0x81);
    assertEquals(sent[1]! & 0x80, 0x80);
    const wide = size > 125;
    assertEquals(wide ? sent[2]! * 256 + sent[3]! : sent[1]! & 127, size);
    assertEquals(sent.length, size + (wide ? 8 : 6));
  }
  assertThrows(() => clientFrame("x".repeat(65_536)), RangeError);
});
