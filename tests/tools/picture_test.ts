import { assertEquals } from "@std/assert";
import { animatedPng, type Frame } from "../../tools/picture/animated_png.ts";
import { test } from "../harness.ts";

/** A picture of one pixel. */
const PIXEL = Uint8Array.fromBase64(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
);

/** The names of the chunks of a PNG, and their lengths. */
function chunksOf(png: Uint8Array): [string, number][] {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const chunks: [string, number][] = [];
  for (let at = 8; at < png.length; at += 12 + view.getUint32(at)) {
    chunks.push([new TextDecoder().decode(png.subarray(at + 4, at + 8)), view.getUint32(at)]);
  }
  return chunks;
}

test("an animation begins with a still picture, for programs that show no animations, and draws the others over it", () => {
  const frame = (durationMs: number): Frame => ({ png: PIXEL, x: 0, y: 0, width: 1, height: 1, durationMs });
  const film = animatedPng([frame(100), frame(250)]);
  const [header, control, ...rest] = chunksOf(film);
  assertEquals([header, control], [["IHDR", 13], ["acTL", 8]]);
  assertEquals(rest.map(([name]) => name), ["fcTL", "IDAT", "fcTL", "fdAT", "IEND"]);
  // What was there is as it was: the chunk of the header with its checksum, which PNG readers compare.
  assertEquals([...film.subarray(0, 33)], [...PIXEL.subarray(0, 33)]);
});
