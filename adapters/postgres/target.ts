/**
 * The address of a database, and the login.
 *
 * @module
 */

/** TLS options of a connection to PostgreSQL, as for `node:tls`. */
export interface PostgresTlsOptions {
  /** Certificates to trust, in PEM, instead of the platform's. */
  readonly ca?: string | readonly string[];
  /** The client's certificate, in PEM. */
  readonly cert?: string;
  /** The key of the client's certificate, in PEM. */
  readonly key?: string;
  /** The passphrase of the key. */
  readonly passphrase?: string;
  /**
   * The name that the certificate must be for.
   *
   * @default {the host}
   */
  readonly servername?: string;
  /**
   * Whether a certificate that cannot be verified is refused. With `false`, anyone on the network between may read the
   * traffic.
   *
   * @default {true}
   */
  readonly rejectUnauthorized?: boolean;
}

/** A password, or a function that returns one before each connection, for passwords that expire. */
export type PostgresPassword = string | (() => string | Promise<string>);

/** The address of a server. */
export interface Address {
  /** A name, an IP address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
}

/** A database, and the login. */
export interface Target {
  /** The server, or several servers of which one is the primary. */
  readonly addresses: readonly Address[];
  readonly database: string;
  readonly user: string;
  readonly password?: PostgresPassword;
  /** `undefined` for no TLS. */
  readonly tls?: PostgresTlsOptions;
  /** More startup parameters of the session: `options`. */
  readonly startup: Readonly<Record<string, string>>;
}

const DEFAULT_PORT = 5432;
const DEFAULT_USER = "postgres";

/** The values that a URL or options give, before the defaults. */
export interface PartialTarget {
  readonly host?: string;
  readonly port?: number;
  /** Replaces host and port. */
  readonly addresses?: readonly Address[];
  readonly database?: string;
  readonly user?: string;
  readonly password?: PostgresPassword;
  readonly tls?: boolean | PostgresTlsOptions;
  readonly startup?: Readonly<Record<string, string>>;
}

/**
 * Fills in the defaults.
 *
 * @param said The given values.
 */
export function toTarget(said: PartialTarget): Target {
  const { host, port, user = DEFAULT_USER, password, tls, startup = {} } = said;
  const known = said.addresses ?? [{ host: "localhost", port: DEFAULT_PORT }];
  return {
    addresses: host === undefined
      ? known.map((address) => ({ host: address.host, port: port ?? address.port }))
      : [{ host, port: port ?? DEFAULT_PORT }],
    user,
    database: said.database ?? user,
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: tls === true ? {} : tls } : {}),
    startup,
  };
}

/**
 * An address as text.
 *
 * @param address The server.
 */
export function formatAddress({ host, port }: Address): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** The TLS options of each `sslmode`. Unlike libpq, only `no-verify` encrypts without verification. */
const TLS_BY_MODE: Readonly<Record<string, boolean | PostgresTlsOptions>> = {
  "disable": false,
  "require": true,
  "verify-ca": true,
  "verify-full": true,
  "no-verify": { rejectUnauthorized: false },
};

/**
 * Reads a URL.
 *
 * @param text `postgres://user:password@host:5432/database?sslmode=require`. It may list several hosts with commas; one
 * is the primary.
 * @throws {TypeError} If it is not valid. The message shows nothing of the URL, which may hold a password.
 */
export function parseUrl(text: string): PartialTarget {
  const [, scheme, login = "", hosts = "", rest = ""] = URL_PARTS.exec(text) ?? [];
  // The parts that a URL has only once: the login, the database and the parameters.
  const url = parse(`${scheme}${login}host${rest}`);
  const addresses = hosts.split(",").map((host) => parse(`${scheme}${host}`)).map((parsed) =>
    parsed && { host: unbracketed(parsed.hostname), port: Number(parsed.port || DEFAULT_PORT) }
  );
  if (!url || !addresses.every((address) => address !== undefined)) {
    throw new TypeError(
      "Cannot connect to PostgreSQL: its URL must be like postgres://user:password@host:5432/database, " +
        "with special characters of the password percent-encoded",
    );
  }
  const { username, password } = url;
  const database = decodeURIComponent(url.pathname.slice(1));
  const [mode, options] = [url.searchParams.get("sslmode"), url.searchParams.get("options")];
  if (mode !== null && !Object.hasOwn(TLS_BY_MODE, mode)) {
    throw new TypeError(
      `Cannot use this sslmode of the URL for PostgreSQL: give one of ${Object.keys(TLS_BY_MODE).join(", ")}`,
    );
  }
  return {
    addresses,
    ...(username === "" ? {} : { user: decodeURIComponent(username) }),
    ...(password === "" ? {} : { password: decodeURIComponent(password) }),
    ...(database === "" ? {} : { database }),
    ...(mode === null ? {} : { tls: TLS_BY_MODE[mode]! }),
    ...(options === null ? {} : { startup: { options } }),
  };
}

const URL_PARTS = /^(postgres(?:ql)?:\/\/)([^@/?#]*@)?([^/?#]+)(.*)$/s;

const unbracketed = (hostname: string): string => decodeURIComponent(hostname).replace(/^\[(.*)\]$/, "$1");

function parse(text: string): URL | undefined {
  try {
    const url = new URL(text);
    decodeURIComponent(url.username + url.password + url.pathname + url.hostname);
    return url.hostname === "" ? undefined : url;
  } catch {
    return undefined;
  }
}
