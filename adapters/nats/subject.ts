/**
 * Channels as NATS subjects: the prefix, a dot, and the channel as one token.
 *
 * Letters, digits and `-_:/@=+` stay as they are, so that people can read subjects in permissions and in traffic. Every
 * other character becomes `%` and two hex digits for each byte of its UTF-8. A lone surrogate has no UTF-8: it becomes
 * `%u` and four hex digits. The empty text becomes `%` alone. Different texts have different tokens. No token has a
 * dot, a wildcard or white space.
 *
 * @module
 */

/**
 * By default, servers take control lines of 4,096 bytes, and close a connection that sends a longer line. The rest of
 * the line, `PUB`, a number and spaces, takes less than 96 bytes.
 */
export const MAX_SUBJECT_LENGTH = 4_000;

/** The longest prefix. The rest of a subject is for the channel. */
const MAX_PREFIX_LENGTH = 1_000;

const NOT_PLAIN = /[^A-Za-z0-9_:/@=+-]/gu;

const encoder = new TextEncoder();

const hex = (code: number, digits: number): string => code.toString(16).toUpperCase().padStart(digits, "0");

/**
 * Encodes any text as one token of a subject.
 *
 * @param text The text.
 * @returns The token. No other text has the same token.
 */
export function encodeToken(text: string): string {
  if (text === "") return "%";
  return text.replace(NOT_PLAIN, (character) => {
    if (!character.isWellFormed()) return `%u${hex(character.charCodeAt(0), 4)}`;
    return Array.from(encoder.encode(character), (byte) => `%${hex(byte, 2)}`).join("");
  });
}

/**
 * Decodes a token of {@linkcode encodeToken}.
 *
 * @param token The token.
 * @returns The text, or `undefined` if it is not such a token.
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
   * @throws {RangeError} If the subject is too long for a server.
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
   * @returns The channel, or `undefined` if the subject has another prefix.
   */
  decode(subject: string): string | undefined {
    return subject.startsWith(this.#start) ? decodeToken(subject.slice(this.#start.length)) : undefined;
  }

  /**
   * The subject on which a server publishes the kept messages of a channel's history, for every life of the stream.
   *
   * @param subject The channel's subject.
   */
  keptOf(subject: string): string {
    return `${this.aside("new")}.*.${subject.slice(this.#start.length)}`;
  }

  /**
   * A subject that is never a channel's: no token of a channel begins with `%` and a lower-case letter other than `u`.
   *
   * @param name Its name, of characters that stay as they are. It does not start with `u`.
   */
  aside(name: string): string {
    return `${this.#start}%${name}`;
  }
}
