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
 * Reads the URLs of servers.
 *
 * @param urls The URLs.
 * @throws {TypeError} If one is none; the message has no credentials.
 */
export function readServers(urls: readonly string[]): Servers {
  if (urls.length === 0) {
    throw new TypeError("Cannot use this url of createRabbitMqAdapter: the list is empty");
  }
  const addresses: ServerAddress[] = [];
  let tls = false;
  let said: Pick<Servers, "username" | "password" | "vhost"> = {};
  for (const [i, text] of urls.entries()) {
    const url = parse(text);
    if (!url) {
      const which = urls.length === 1 ? "url" : `url[${i}]`;
      throw new TypeError(
        `Cannot use this ${which} of createRabbitMqAdapter: give one like amqp://user:password@host:5672/vhost, or amqps:// for TLS`,
      );
    }
    const secure = url.protocol === "amqps:";
    tls ||= secure;
    addresses.push({
      hostname: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port === "" ? (secure ? TLS_PORT : PORT) : Number(url.port),
    });
    said = {
      ...said,
      ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
      ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
      ...(url.pathname.length < 2 ? {} : { vhost: decodeURIComponent(url.pathname.slice(1)) }),
    };
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
