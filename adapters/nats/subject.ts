/**
 * Channels as NATS subjects: the prefix, a dot, and the channel as one token.
 *
 * Letters, digits and `-_:/@=+` stand for themselves, so that subjects stay readable for whoever grants permissions or
 * watches traffic. Everything else is `%` and two hex digits for each byte of its UTF-8; half a surrogate pair, which has
 * none, is `%u` and four. The empty text is `%` alone. No two texts share a token, and none has a dot, a wildcard or white
 * space.
 *
 * @module
 */

/**
 * Servers take control lines of 4,096 bytes unless told otherwise, and close the connection of who sends a longer one.
 * What else is on the line, `PUB`, a number and spaces, takes less than 96.
 */
export const MAX_SUBJECT_LENGTH = 4_000;

/** Prefixes may not take all of it. */
const MAX_PREFIX_LENGTH = 1_000;

const NOT_PLAIN = /[^A-Za-z0-9_:/@=+-]/gu;

const encoder = new TextEncoder();

const hex = (code: number, digits: number): string => code.toString(16).toUpperCase().padStart(digits, "0");

/**
 * Encodes any text as one token of a subject.
 *
 * @param text The text.
 * @returns The token; no other text has the same.
 */
export function encodeToken(text: string): string {
  if (text === "") return "%";
  return text.replace(NOT_PLAIN, (character) => {
    if (!character.isWellFormed()) return `%u${hex(character.charCodeAt(0), 4)}`;
    return Array.from(encoder.encode(character), (byte) => `%${hex(byte, 2)}`).join("");
  });
}

/**
 * Undoes {@linkcode encodeToken}.
 *
 * @param token The token.
 * @returns The text, or `undefined` for what is no token of this encoding.
 */
export function decodeToken(token: string): string | undefined {
  if (token === "%") return "";
  let text: string;
  try {
    text = token.split(/(%u[0-9A-F]{4})/).map((part, i) =>
      i % 2 === 1 ? String.fromCharCode(parseInt(part.slice(2), 16)) : decodeURIComponent(part)
    ).join("");
  } catch {
    return undefined;
  }
  return encodeToken(text) === token ? text : undefined;
}

/** The subjects of one prefix. */
export class Subjects {
  readonly #start: string;

  /**
   * Encodes the prefix once for all channels.
   *
   * @param prefix The prefix; dots in it make several tokens.
   * @throws {TypeError} If it is empty.
   * @throws {RangeError} If it is too long.
   */
  constructor(prefix: string) {
    if (typeof prefix !== "string" || prefix === "") {
      throw new TypeError("Cannot create a NATS adapter: its prefix must be text, not empty");
    }
    this.#start = `${prefix.split(".").map(encodeToken).join(".")}.`;
    if (this.#start.length > MAX_PREFIX_LENGTH) {
      throw new RangeError(
        `Cannot create a NATS adapter: its prefix takes ${this.#start.length} bytes as a subject, at most ${MAX_PREFIX_LENGTH} fit`,
      );
    }
  }

  /**
   * The subject of a channel.
   *
   * @param channel The channel.
   * @throws {RangeError} If the server would not take it.
   */
  encode(channel: string): string {
    const subject = this.#start + encodeToken(channel);
    if (subject.length > MAX_SUBJECT_LENGTH) {
      const shown = `${channel.slice(0, 40)}…`;
      throw new RangeError(
        `Cannot use the channel "${shown}" on NATS: as a subject it takes ${subject.length} bytes, at most ${MAX_SUBJECT_LENGTH} fit`,
      );
    }
    return subject;
  }

  /**
   * The channel of a subject.
   *
   * @param subject The subject.
   * @returns The channel, or `undefined` when it is none of this prefix.
   */
  decode(subject: string): string | undefined {
    return subject.startsWith(this.#start) ? decodeToken(subject.slice(this.#start.length)) : undefined;
  }

  /**
   * Where a server publishes what it has kept of a channel's history, whatever the life of the stream.
   *
   * @param subject The channel's subject.
   */
  keptOf(subject: string): string {
    return `${this.aside("new")}.*.${subject.slice(this.#start.length)}`;
  }

  /**
   * A subject beside all channels: `%` and a lower-case letter but `u` starts no token of a channel.
   *
   * @param name Its name, of characters that stand for themselves; does not start with `u`.
   */
  aside(name: string): string {
    return `${this.#start}%${name}`;
  }
}
