/** A hub and a client that only write down what a transport tells them. */

import type { Encoded } from "../../contract/mod.ts";
import type {
  Link,
  LinkAcceptor,
  LinkEvents,
  LinkRequest,
  ServerLinkEvents,
} from "../../transports/transport.ts";
import { until } from "../check.ts";

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
  readonly #waitMs: number;

  /** @param waitMs How long `ended` waits, in milliseconds. */
  constructor(waitMs = 5_000) {
    this.#waitMs = waitMs;
  }

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
  async ended(): Promise<Closing> {
    await until(() => this.closings.length > 0, () => "the close of a link", this.#waitMs);
    return this.closings[0]!;
  }
}

/** The server's end of a link. */
export class ServerEnd extends RecordedEnd implements ServerLinkEvents {
  readonly request: LinkRequest;
  /** How many closes had been reported when the carrier said that it has let go, once each time that it did. */
  readonly freeings: number[] = [];

  /**
   * @param request What is known of the client.
   * @param waitMs How long `ended` waits, in milliseconds.
   */
  constructor(request: LinkRequest, waitMs?: number) {
    super(waitMs);
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
  readonly #waitMs: number | undefined;

  /** @param waitMs How long its ends wait for their close, in milliseconds. */
  constructor(waitMs?: number) {
    this.#waitMs = waitMs;
  }

  admit(link: LinkRequest): Response | undefined {
    this.admitted.push(link);
    return this.refusal?.();
  }

  report(error: Error): void {
    this.reports.push(error.message);
  }

  refused(why: string): void {
    this.reports.push(why);
  }

  withdraw(link: LinkRequest): void {
    this.withdrawn.push(link);
  }

  accept(link: Link, request: LinkRequest): ServerLinkEvents {
    const end = new ServerEnd(request, this.#waitMs);
    end.open(link);
    this.ends.push(end);
    this.onAccept?.(link);
    return end;
  }
}
