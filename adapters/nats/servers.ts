/**
 * The addresses of NATS servers, and their credentials.
 *
 * @module
 */

/** TLS to a NATS server. Everything is optional: by default, the platform's authorities are trusted. */
export interface NatsTlsOptions {
  /** The certificates of the authorities to trust, in PEM. */
  readonly ca?: string;
  /** The client's certificate, in PEM, if the server requires one. */
  readonly cert?: string;
  /** The key of the client's certificate, in PEM. */
  readonly key?: string;
  /**
   * The name that the server's certificate must have.
   *
   * @default {undefined} the host of the server's URL
   */
  readonly serverName?: string;
}

/** The address of one server. */
export interface ServerAddress {
  readonly hostname: string;
  readonly port: number;
}

/** The login from a URL. */
export interface Credentials {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
}

/** The content of the servers' URLs. */
export interface Servers {
  readonly addresses: readonly ServerAddress[];
  /** Whether one of them uses TLS: then all do. */
  readonly tls: boolean;
  readonly credentials: Credentials;
}

const DEFAULT_PORT = 4222;

/**
 * Reads the URLs of servers.
 *
 * @param urls The URLs.
 * @throws {TypeError} If one is not the URL of a NATS server. The message has no credentials.
 */
export function readServers(urls: readonly string[]): Servers {
  if (urls.length === 0) throw new TypeError("Cannot create a NATS adapter: servers is empty");
  const addresses: ServerAddress[] = [];
  let tls = false;
  let credentials: Credentials = {};
  for (const [i, url] of urls.entries()) {
    const parsed = parse(url);
    if (!parsed) {
      throw new TypeError(
        `Cannot create a NATS adapter: server ${i} is not a URL like nats://host:4222 or tls://host:4222`,
      );
    }
    addresses.push({
      hostname: parsed.hostname.replace(/^\[|\]$/g, ""),
      port: parsed.port === "" ? DEFAULT_PORT : Number(parsed.port),
    });
    tls ||= parsed.protocol === "tls:";
    const [user, password] = [decodeURIComponent(parsed.username), decodeURIComponent(parsed.password)];
    // As in NATS' own tools, a name without a password is a token.
    if (password !== "") credentials = { user, password };
    else if (user !== "") credentials = { token: user };
  }
  return { addresses, tls, credentials };
}

function parse(url: unknown): URL | undefined {
  if (typeof url !== "string") return undefined;
  try {
    const parsed = new URL(/^[a-z]+:\/\//i.test(url) ? url : `nats://${url}`);
    decodeURIComponent(parsed.username + parsed.password);
    return /^(nats|tls):$/.test(parsed.protocol) && parsed.hostname !== "" ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Writes an address as text.
 *
 * @param address The address.
 */
export function formatAddress({ hostname, port }: ServerAddress): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/**
 * Reads the addresses of a cluster from a server's information.
 *
 * @param urls The addresses from the server.
 */
export function readDiscovered(urls: readonly string[] = []): ServerAddress[] {
  return urls.flatMap((url) => {
    const parsed = parse(url);
    if (!parsed) return [];
    return [{
      hostname: parsed.hostname.replace(/^\[|\]$/g, ""),
      port: parsed.port === "" ? DEFAULT_PORT : Number(parsed.port),
    }];
  });
}
