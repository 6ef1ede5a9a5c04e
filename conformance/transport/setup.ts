import type { ClientTransport, LinkAcceptor } from "../../transports/transport.ts";
import type { Skip } from "../adapter/setup.ts";

/** A transport that runs; see {@linkcode TransportSetup.start}. */
export interface RunningTransport {
  /** A client's side that reaches it. */
  readonly client: ClientTransport;
  /** Where the client connects to. Cases add a query to it. */
  readonly url: string;
  /** Ends it with whatever it serves on. */
  close(): void | Promise<void>;
}

/** What the suite has to know about a transport. */
export interface TransportSetup {
  /**
   * Starts the server's side of a transport with a hub, on whatever server it needs, and makes a client's side for it.
   *
   * @param acceptor The suite's hub: give it to `Transport.attach`.
   */
  start(acceptor: LinkAcceptor): RunningTransport | Promise<RunningTransport>;
  /**
   * The address that the hub is told of a client; `null` where the transport knows none.
   *
   * @default {"127.0.0.1"}
   */
  readonly address?: string | null;
  /** Cases that do not hold, with the reason. A name that is no case is an error. */
  readonly skip?: readonly Skip[];
  /**
   * How long anything may take, in milliseconds, before a case fails.
   *
   * @default {10_000}
   */
  readonly waitMs?: number;
}
