/**
 * Opens a socket to a server, with TLS if wanted. The client libraries do not open it, because they disagree on what
 * counts as a refusal. They also close a connection only if the server answers.
 *
 * @module
 */

import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { ConnectError } from "./errors.ts";
import type { Address, PostgresTlsOptions } from "./target.ts";

/** The request for TLS: its length, and its code. */
const SSL_REQUEST = new Uint8Array([0, 0, 0, 8, 4, 210, 22, 47]);

/** The first bytes that a server may answer to a login: authentication, an error, a notice, an older version. */
const FIRST_BYTES = "RENv";

const NOT_POSTGRES = "what answers there is not PostgreSQL; check the port";

/**
 * Opens a socket.
 *
 * @param address The server's address.
 * @param tls The TLS options, if TLS is wanted.
 * @param signal Ends the attempt.
 * @param onForeign Called when the answer to the login does not come from PostgreSQL. The socket is then destroyed.
 * @returns The socket. Rejects with a {@linkcode ConnectError} for faults that a retry does not solve.
 */
export async function openSocket(
  { host, port }: Address,
  tls: PostgresTlsOptions | undefined,
  signal: AbortSignal,
  onForeign: (error: ConnectError) => void,
): Promise<Socket> {
  signal.throwIfAborted();
  const plain = host.startsWith("/")
    ? connect({ path: `${host}/.s.PGSQL.${port}` })
    : connect({ host, port });
  const abort = () => void plain.destroy();
  signal.addEventListener("abort", abort);
  try {
    plain.setNoDelay(true);
    await event(plain, "connect");
    const socket = tls ? await encrypt(plain, tls, host) : plain;
    socket.once("data", (data: Uint8Array) => {
      if (FIRST_BYTES.includes(String.fromCharCode(data[0]!))) return;
      onForeign(new ConnectError("refused", NOT_POSTGRES));
      socket.destroy();
    });
    return socket;
  } catch (error) {
    await closeSocket(plain);
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/**
 * Destroys a socket.
 *
 * @param socket The socket, in any state.
 * @returns Resolves when it is closed.
 */
export async function closeSocket(socket: Socket): Promise<void> {
  if (socket.closed) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.once("close", resolve);
  socket.on("error", () => {}); // errors of a socket that is given up do not matter
  socket.destroy();
  await promise;
}

async function encrypt(plain: Socket, tls: PostgresTlsOptions, host: string): Promise<Socket> {
  plain.write(SSL_REQUEST);
  const answer = await event<Uint8Array>(plain, "data");
  const [sign] = answer;
  if (sign === "N".charCodeAt(0)) {
    throw new ConnectError(
      "refused",
      "the server speaks no TLS, but the tls option asks for it; set ssl = on on the server, or remove tls",
    );
  }
  // Data after this byte was not encrypted, so anyone on the network could have sent it.
  if (sign !== "S".charCodeAt(0) || answer.length !== 1) throw new ConnectError("refused", NOT_POSTGRES);
  const { ca, ...others } = tls;
  const socket = connectTls({
    socket: plain,
    host,
    ...(isIP(host) ? {} : { servername: host }),
    ...others,
    ...(ca === undefined ? {} : { ca: typeof ca === "string" ? ca : [...ca] }),
  });
  try {
    await event(socket, "secureConnect");
  } catch (cause) {
    await closeSocket(socket);
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new ConnectError(
      "refused",
      `the TLS handshake failed; check tls and the certificate (${said})`,
      cause,
    );
  }
  return socket;
}

/** Waits for an event. Rejects when the socket closes first. */
async function event<T>(socket: Socket, name: "connect" | "secureConnect" | "data"): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const closed = () => reject(new Error("the connection was closed"));
  socket.once(name, resolve);
  socket.once("error", reject);
  socket.once("close", closed);
  try {
    return await promise;
  } finally {
    socket.off(name, resolve);
    socket.off("error", reject);
    socket.off("close", closed);
  }
}
