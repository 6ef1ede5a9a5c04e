/**
 * The names of the hub's channels in Redis: `PREFIX:c:CHANNEL`; and of keys: `PREFIX:presence:…` and
 * `PREFIX:history:…`.
 *
 * `:` in a prefix is escaped, so channels of different prefixes never have the same name. A channel that is not
 * well-formed Unicode is written as JSON under `PREFIX:j:`, because UTF-8 could not tell such channels apart. The
 * adapter's own probes use `PREFIX:p:NODE`.
 *
 * @module
 */

/** Makes the names for one prefix. */
export class RedisChannels {
  readonly #prefix: string;

  /**
   * @param prefix Any text that is not empty.
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

  /** The hub's channel of a name from {@linkcode nameOf}. */
  channelOf(name: string): string {
    const rest = name.slice(this.#prefix.length + 3);
    return name[this.#prefix.length + 1] === "j" ? String(JSON.parse(rest)) : rest;
  }

  /** The start of the keys of histories. */
  get historyKeys(): string {
    return `${this.#prefix}:history:`;
  }

  /** The start of the keys of presence. */
  get presenceKeys(): string {
    return `${this.#prefix}:presence:`;
  }

  /** The name in Redis of the channel on which a node probes itself. */
  probeOf(nodeId: string): string {
    return `${this.#prefix}:p:${nodeId}`;
  }
}
