/**
 * The addresses of RabbitMQ servers, and the login.
 *
 * @module
 */

/** TLS options for RabbitMQ, as for `node:tls`. All are optional. By default the platform's authorities are trusted. */
export interface RabbitMqTlsOptions {
  /** Certificates of the authorities to trust, in PEM. */
  readonly ca?: string;
  /** The client's certificate, in PEM, if the server requires one. */
  readonly cert?: string;
  /** The key of the client's certificate, in PEM. */
  readonly key?: string;
  /** The passphrase of the key. */
  readonly passphrase?: string;
  /**
   * The name that the server's certificate must have.
   *
   * @default {the host}
   */
  readonly servername?: string;
}

/** The address of one server. */
export interface ServerAddress {
  readonly hostname: string;
  readonly port: number;
}

/** The values that URLs give. */
export interface Servers {
  readonly addresses: readonly ServerAddress[];
  /** Whether one URL asks for TLS. All servers then use it. */
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly vhost?: string;
}

const PORT = 5672;
const TLS_PORT = 5671;

/**
 * Reads the URLs of servers. All connections use the same login, so a login in one URL counts for all servers.
 *
 * @param urls The URLs.
 * @throws {TypeError} If a URL is not valid, has an unknown part, or contradicts another URL. The message shows no
 * credentials.
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
        `Cannot use this ${which} of createRabbitMqAdapter: it has a ?, # or @ in a wrong place. Give settings as options, and write ` +
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
          `Cannot use this ${which} of createRabbitMqAdapter: its ${part} differs from the one in an earlier URL, but all servers must have the same`,
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
 * An address as text.
 *
 * @param address The address.
 */
export function formatAddress({ hostname, port }: ServerAddress): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}
