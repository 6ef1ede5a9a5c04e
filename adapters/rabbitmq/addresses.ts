/**
 * Where RabbitMQ servers are, and how to log in.
 *
 * @module
 */

/** TLS to RabbitMQ, as `node:tls` takes it. Everything is optional: by default the platform's authorities are trusted. */
export interface RabbitMqTlsOptions {
  /** Certificates of the authorities to trust, in PEM. */
  readonly ca?: string;
  /** Our own certificate, in PEM, where the server asks for one. */
  readonly cert?: string;
  /** The key of our own certificate, in PEM. */
  readonly key?: string;
  /** What the key is encrypted with. */
  readonly passphrase?: string;
  /**
   * The name that the server's certificate must have.
   *
   * @default {the host}
   */
  readonly servername?: string;
}

/** Where one server is. */
export interface ServerAddress {
  readonly hostname: string;
  readonly port: number;
}

/** What URLs say. */
export interface Servers {
  readonly addresses: readonly ServerAddress[];
  /** Whether one of them wants TLS: then all do. */
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly vhost?: string;
}

const PORT = 5672;
const TLS_PORT = 5671;

/**
 * Reads the URLs of servers. Each connection logs in the same way, wherever it leads: what one URL says holds for all.
 *
 * @param urls The URLs.
 * @throws {TypeError} If one is none, has a part that is not read, or contradicts another; the message has no credentials.
 */
export function readServers(urls: readonly string[]): Servers {
  if (urls.length === 0) {
    throw new TypeError("Cannot use this url of createRabbitMqAdapter: the list is empty");
  }
  const addresses: ServerAddress[] = [];
  let tls = false;
  const said: { -readonly [K in "username" | "password" | "vhost"]?: string } = {};
  for (const [i, text] of urls.entries()) {
    const url = parse(text);
    const which = urls.length === 1 ? "url" : `url[${i}]`;
    if (!url) {
      throw new TypeError(
        `Cannot use this ${which} of createRabbitMqAdapter: give one like amqp://user:password@host:5672/vhost, or amqps:// for TLS`,
      );
    }
    if (url.search !== "" || url.hash !== "" || url.pathname.includes("@")) {
      throw new TypeError(
        `Cannot use this ${which} of createRabbitMqAdapter: it has a ?, # or @ where none belongs. Give settings as options, and write ` +
          "these characters and / as %3F, %23, %40 and %2F in a user, password or vhost",
      );
    }
    const secure = url.protocol === "amqps:";
    tls ||= secure;
    addresses.push({
      hostname: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port === "" ? (secure ? TLS_PORT : PORT) : Number(url.port),
    });
    const parts = { username: url.username, password: url.password, vhost: url.pathname.slice(1) };
    for (const [part, text] of Object.entries(parts) as [keyof typeof parts, string][]) {
      if (text === "") continue;
      const value = decodeURIComponent(text);
      if (said[part] !== undefined && said[part] !== value) {
        throw new TypeError(
          `Cannot use this ${which} of createRabbitMqAdapter: its ${part} is not that of a URL before it, and all servers get the same`,
        );
      }
      said[part] = value;
    }
  }
  return { addresses, tls, ...said };
}

function parse(text: string): URL | undefined {
  try {
    const url = new URL(text);
    decodeURIComponent(url.username + url.password + url.pathname);
    return /^amqps?:$/.test(url.protocol) && url.hostname !== "" ? url : undefined;
  } catch {
    return undefined;
  }
}

/**
 * An address as people write it.
 *
 * @param address The address.
 */
export function formatAddress({ hostname, port }: ServerAddress): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
