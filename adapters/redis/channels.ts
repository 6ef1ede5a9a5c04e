/**
 * How channels of the hub are named in Redis: `PREFIX:c:CHANNEL`; and keys: `PREFIX:presence:…` and
 * `PREFIX:history:…`.
 *
 * A prefix is written without `:`, so that no two of them meet whatever the channel is. Channels that are not
 * well-formed Unicode, which UTF-8 could not tell apart, are written as JSON under `PREFIX:j:`; what the adapter says to
 * itself goes over `PREFIX:p:NODE`.
 *
 * @module
 */

/** Names the channels of one prefix. */
export class RedisChannels {
  readonly #prefix: string;

  /**
   * @param prefix Any text but the empty one.
   * @throws {TypeError} If it is empty or not well-formed Unicode.
   */
  constructor(prefix: string) {
    if (typeof prefix !== "string" || prefix === "" || !prefix.isWellFormed()) {
      throw new TypeError("Cannot use this prefix with Redis: it must be well-formed text, not empty");
    }
    this.#prefix = prefix.replace(/[%:]/g, (sign) => sign === "%" ? "%25" : "%3A");
  }

  /** The name in Redis of a channel of the hub. */
  nameOf(channel: string): string {
    return channel.isWellFormed()
      ? `${this.#prefix}:c:${channel}`
      : `${this.#prefix}:j:${JSON.stringify(channel)}`;
  }

  /** The channel of the hub that {@linkcode nameOf} has named so. */
  channelOf(name: string): string {
    const rest = name.slice(this.#prefix.length + 3);
    return name[this.#prefix.length + 1] === "j" ? String(JSON.parse(rest)) : rest;
  }

  /** What the keys of histories begin with. */
  get historyKeys(): string {
    return `${this.#prefix}:history:`;
  }

  /** What the keys of presence begin with. */
  get presenceKeys(): string {
    return `${this.#prefix}:presence:`;
  }

  /** The name in Redis of the channel on which a node hears itself. */
  probeOf(nodeId: string): string {
    return `${this.#prefix}:p:${nodeId}`;
  }
}
