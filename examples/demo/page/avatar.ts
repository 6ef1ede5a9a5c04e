/**
 * The pictures of people: their initials on a colour, which is the same in every window.
 *
 * @module
 */

import { make } from "./dom.ts";

/** The hue for an id. */
function hueOf(id: string): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (const char of id) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
  return (hash >>> 0) % 360;
}

/** The first letters of the first word and the last one. */
function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== "");
  const ends = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return ends.map((word) => [...word][0]!.toUpperCase()).join("");
}

/** Creates the picture of a person. The name stands beside it, so the picture has no text for screen readers. */
export function makeAvatar(name: string): HTMLElement {
  const avatar = make("span", { class: "avatar", attrs: { "aria-hidden": "true" } }, initialsOf(name));
  avatar.style.setProperty("--hue", String(hueOf(name)));
  return avatar;
}
