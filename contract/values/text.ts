/**
 * Text that can travel: well-formed Unicode.
 *
 * @module
 */

/** With the flag `u`, this class matches only surrogates that are not part of a pair. */
const LONE_SURROGATE = /[\ud800-\udfff]/u;
const LONE_SURROGATES = /[\ud800-\udfff]/gu;

/**
 * Whether text holds half a surrogate pair, which UTF-8 cannot carry.
 *
 * @param text The text.
 */
export function hasLoneSurrogate(text: string): boolean {
  // Engines with `isWellFormed` need not scan text of one byte per unit. A regular expression costs as much as
  // encoding.
  return typeof text.isWellFormed === "function" ? !text.isWellFormed() : LONE_SURROGATE.test(text);
}

/**
 * Replaces each half surrogate pair by U+FFFD, as UTF-8 encoders do.
 *
 * @param text The text.
 */
export function toWellFormed(text: string): string {
  return text.replace(LONE_SURROGATES, "\ufffd");
}

/**
 * Returns the start of a text. It never cuts a character in half.
 *
 * @param text A well-formed text.
 * @param maxLength The largest length, in UTF-16 units.
 */
export function startOf(text: string, maxLength: number): string {
  const cutsPair = (text.charCodeAt(maxLength - 1) & 0xfc00) === 0xd800 && text.length > maxLength;
  return text.slice(0, cutsPair ? maxLength - 1 : maxLength);
}
