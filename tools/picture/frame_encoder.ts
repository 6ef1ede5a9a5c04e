/**
 * Turns screenshots into frames that contain only the differences from the screenshot before. It runs in a page of the browser,
 * because the browser can read and write pictures.
 *
 * @module
 */

import type { Page } from "playwright-core";
import type { Frame } from "./animated_png.ts";

/** The result of the page. */
interface Changed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** In base64. */
  readonly png: string;
}

/** Runs in the page, so it cannot use anything of this module. */
async function changed([shot, height]: readonly [string, number]): Promise<Changed | undefined> {
  const UNSEEN = 3; // of 255: two drawings of the same page may differ by so much
  const memory = globalThis as { shown?: ImageData };
  const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${shot}`)).blob());
  const { width } = image;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
  context.drawImage(image, 0, 0);
  const now = context.getImageData(0, 0, width, height);
  const first = memory.shown === undefined;
  const shown = memory.shown ??= context.getImageData(0, 0, width, height);
  let [left, top, right, bottom] = first ? [0, 0, width - 1, height - 1] : [width, height, -1, -1];
  for (let at = 0; !first && at < now.data.length; at += 4) {
    const differs = [0, 1, 2].some((channel) => {
      return Math.abs(now.data[at + channel]! - shown.data[at + channel]!) > UNSEEN;
    });
    if (!differs) {
      now.data.fill(0, at, at + 4); // transparent: the old pixel stays
      continue;
    }
    shown.data.set(now.data.subarray(at, at + 4), at);
    const x = at / 4 % width, y = Math.floor(at / 4 / width);
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  }
  if (right < 0) return undefined;
  const size = { width: right - left + 1, height: bottom - top + 1 };
  const encode = (pixels: ImageData) => {
    const part = new OffscreenCanvas(size.width, size.height);
    part.getContext("2d")!.putImageData(pixels, -left, -top);
    return part.convertToBlob({ type: "image/png" });
  };
  // If much has changed, the whole area takes fewer bytes than its parts.
  const [parts, whole] = await Promise.all([encode(now), encode(shown)]);
  const png = whole.size < parts.size ? whole : parts;
  const bytes = new Uint8Array(await png.arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return { x: left, y: top, ...size, png: btoa(text) };
}

/** A screenshot, and its time. */
export interface Shot {
  /** In base64. */
  readonly png: string;
  readonly atMs: number;
}

/**
 * Turns screenshots into frames.
 *
 * @param page An empty page.
 * @param shots The screenshots, of one size.
 * @param endMs The time when the last one ends.
 * @param height The height of the frames, from the top, in pixels.
 */
export async function framesOf(
  page: Page,
  shots: readonly Shot[],
  endMs: number,
  height: number,
): Promise<Frame[]> {
  const frames: Frame[] = [];
  for (const [index, { png, atMs }] of shots.entries()) {
    const durationMs = (shots[index + 1]?.atMs ?? endMs) - atMs;
    const part = await page.evaluate(changed, [png, height] as const);
    if (part) frames.push({ ...part, png: Uint8Array.fromBase64(part.png), durationMs });
    else frames.at(-1)!.durationMs += durationMs; // nothing has changed
  }
  return frames;
}
