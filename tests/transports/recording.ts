/**
 * A hub and a client that only write down what a transport tells them.
 *
 * @module
 */

import type { Encoded } from "../../contract/mod.ts";
import type {
  ClientTransport,
  Link,
  LinkAcceptor,
  LinkEvents,
  LinkRequest,
  ServerLinkEvents,
} from "../../transports/transport.ts";
import { waitFor } from "../harness.ts";

/** How a link ended. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** One end of a link, with all that was reported of it. */
export class RecordedEnd implements LinkEvents {
  link!: Link;
  readonly frames: Encoded[] = [];
  readonly closings: Closing[] = [];
  drains = 0;
  /** Set to act on frames as they come. */
  onFrame: ((frame: Encoded) => void) | undefined;

  open(link: Link): void {
    this.link = link;
  }

  message(frame: Encoded): void {
    this.frames.push(frame);
    this.onFrame?.(frame);
  }

  drain(): void {
    this.drains++;
  }

  close(code: number, reason: string): void {
    this.closings.push({ code, reason });
  }

  /** Waits for the end of the link. */
  ended(): Promise<Closing> {
    return waitFor(() => this.closings[0], { what: "the close of a link" });
  }
}

/** The server's end of a link. */
export class ServerEnd extends RecordedEnd implements ServerLinkEvents {
  readonly request: LinkRequest;
  /** How many closes had been reported when the carrier said that it has let go, once each time that it did. */
  readonly freeings: number[] = [];

  constructor(request: LinkRequest) {
    super();
    this.request = request;
  }

  freed(): void {
    this.freeings.push(this.closings.length);
  }
}

/** A hub that takes every link, unless it is told otherwise. */
export class RecordingAcceptor implements LinkAcceptor {
  readonly subprotocols = ["test.v2", "test.v1"];
  readonly maxFrameBytes = 2 << 20;
  highWaterBytes = 1 << 20;
  readonly admitted: LinkRequest[] = [];
  readonly withdrawn: LinkRequest[] = [];
  readonly reports: string[] = [];
  readonly ends: ServerEnd[] = [];
  /** Set to refuse. */
  refusal: (() => Response) | undefined;
  /** Set to act on a link before the transport hears where to report. */
  onAccept: ((link: Link) => void) | undefined;

  admit(link: LinkRequest): Response | undefined {
    this.admitted.push(link);
    return this.refusal?.();
  }

  report(error: Error): void {
    this.reports.push(error.message);
  }

  withdraw(link: LinkRequest): void {
    this.withdrawn.push(link);
  }

  accept(link: Link, request: LinkRequest): ServerLinkEvents {
    const end = new ServerEnd(request);
    end.open(link);
    this.ends.push(end);
    this.onAccept?.(link);
    return end;
  }
}

/** Both ends of a link. */
export interface Pair {
  readonly client: RecordedEnd;
  readonly server: ServerEnd;
}

/**
 * Opens a link and waits until both ends know of it.
 *
 * @param acceptor The hub.
 * @param transport The client's side.
 * @param url Where to.
 * @param subprotocols What the client offers.
 */
export async function openPair(
  acceptor: RecordingAcceptor,
  transport: ClientTransport,
  url: string,
  subprotocols: readonly string[] = ["test.v1"],
): Promise<Pair> {
  const before = acceptor.ends.length;
  const client = new RecordedEnd();
  transport.connect(url, subprotocols, client);
  await waitFor(() => client.link !== undefined, { what: "the client's end of a link" });
  const server = await waitFor(() => acceptor.ends[before], { what: "the server's end of a link" });
  return { client, server };
}
