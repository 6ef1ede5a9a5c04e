import type { ClientTransport, LinkAcceptor } from "../../transports/transport.ts";
import type { Skip } from "../adapter/setup.ts";

/** A running transport; see {@linkcode TransportSetup.start}. */
export interface RunningTransport {
  /** A client transport that reaches it. */
  readonly client: ClientTransport;
  /** The URL that the client connects to. Cases add a query to it. */
  readonly url: string;
  /** Stops the transport and its server. */
  close(): void | Promise<void>;
}

/** The transport under test, and what the suite needs to know about it. */
export interface TransportSetup {
  /**
   * Starts the server side of a transport with a hub, on a server if it needs one, and makes a client transport for
   * it.
   *
   * @param acceptor The suite's hub. Give it to `Transport.attach`.
   */
  start(acceptor: LinkAcceptor): RunningTransport | Promise<RunningTransport>;
  /**
   * The client's address that the hub must get; `null` if the transport does not know it.
   *
   * @default {"127.0.0.1"}
   */
  readonly address?: string | null;
  /** Cases to skip, with the reason. An unknown name is an error. */
  readonly skip?: readonly Skip[];
  /**
   * How long any step may take before its case fails, in milliseconds.
   *
   * @default {10_000}
   */
  readonly waitMs?: number;
}
