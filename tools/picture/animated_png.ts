/**
 * Joins still PNG pictures to an animated one.
 *
 * @module
 */

import { deflateSync, inflateSync } from "node:zlib";

/** One picture of the animation. */
export interface Frame {
  /** A still PNG file, with the same pixel format as the others. */
  readonly png: Uint8Array;
  /** Its position, in pixels from the left. */
  readonly x: number;
  /** Its position, in pixels from the top. */
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** How long it is shown, in milliseconds. */
  durationMs: number;
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** The checksum of PNG, computed bit by bit. */
function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** A chunk of the file: its length, its name, its content, its checksum. */
function chunk(name: string, content: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(content, 8);
  view.setUint32(8 + content.length, crcOf(bytes.subarray(4, 8 + content.length)));
  return bytes;
}

/** Numbers of so many bytes each, the highest byte first. */
function fields(...numbers: readonly (readonly [value: number, bytes: number])[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(
    numbers.flatMap(([value, bytes]) =>
      Array.from({ length: bytes }, (_, index) => Math.floor(value / 256 ** (bytes - 1 - index)) % 256)
    ),
  );
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
};

/** The contents of all chunks of a name. */
function contentOf(png: Uint8Array, wanted: string): Uint8Array {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const found: Uint8Array[] = [];
  for (let at = SIGNATURE.length; at < png.length; at += 12 + view.getUint32(at)) {
    const name = new TextDecoder().decode(png.subarray(at + 4, at + 8));
    if (name === wanted) found.push(png.subarray(at + 8, at + 8 + view.getUint32(at)));
  }
  if (found.length === 0) throw new Error(`Cannot use a picture as a frame: it is not a PNG with ${wanted}`);
  return joined(found);
}

/**
 * Creates an animation that repeats for ever. Each frame is drawn over the frames before it.
 *
 * @param frames The frames, the first one of full size.
 * @see https://www.w3.org/TR/png-3/#apng-frame-based-animation
 */
export function animatedPng(frames: readonly Frame[]): Uint8Array {
  let sequence = 0;
  const chunks = frames.flatMap(({ png, x, y, width, height, durationMs }, index) => {
    const control = fields(
      [sequence++, 4],
      [width, 4],
      [height, 4],
      [x, 4],
      [y, 4],
      [Math.round(durationMs), 2],
      [1_000, 2],
      [0, 1], // the frame stays
      [1, 1], // drawn over with its transparency
    );
    const pixels = deflateSync(inflateSync(contentOf(png, "IDAT")), { level: 9 });
    return [
      chunk("fcTL", control),
      index === 0 ? chunk("IDAT", pixels) : chunk("fdAT", joined([fields([sequence++, 4]), pixels])),
    ];
  });
  return joined([
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", contentOf(frames[0]!.png, "IHDR")),
    chunk("acTL", fields([frames.length, 4], [0, 4])),
    ...chunks,
    chunk("IEND", new Uint8Array()),
  ]);
}
