/**
 * Text that can travel: well-formed Unicode.
 *
 * @module
 */

/** With the flag `u` a class of surrogates matches only those that are in no pair. */
const LONE_SURROGATE = /[\ud800-\udfff]/u;
const LONE_SURROGATES = /[\ud800-\udfff]/gu;

/**
 * Whether text holds half a surrogate pair, which UTF-8 cannot carry.
 *
 * @param text The text.
 */
export function hasLoneSurrogate(text: string): boolean {
  // Engines that have it look at text of one byte a unit not at all; a regular expression costs as much as encoding.
  return typeof text.isWellFormed === "function" ? !text.isWellFormed() : LONE_SURROGATE.test(text);
}

/**
 * Puts U+FFFD in the place of half surrogate pairs, as the encoders of UTF-8 do.
 *
 * @param text The text.
 */
export function toWellFormed(text: string): string {
  return text.replace(LONE_SURROGATES, "\ufffd");
}

/**
 * The start of a text, which ends between two characters.
 *
 * @param text The text; well-formed.
 * @param maxLength How long it may be, in UTF-16 units.
 */
export function startOf(text: string, maxLength: number): string {
  const cutsPair = (text.charCodeAt(maxLength - 1) & 0xfc00) === 0xd800 && text.length > maxLength;
  return text.slice(0, cutsPair ? maxLength - 1 : maxLength);
}
