/** A hub and a client that only record what a transport reports. */

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

/** One end of a link, with everything that was reported for it. */
export class RecordedEnd implements LinkEvents {
  link!: Link;
  readonly frames: Encoded[] = [];
  readonly closings: Closing[] = [];
  drains = 0;
  /** If set, called with each frame when it arrives. */
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
  /** One entry each time the transport called `freed`: how many closes were reported before it. */
  readonly freeings: number[] = [];

  /**
   * @param request The request of the client.
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

/** A hub that accepts every link, unless `refusal` is set. */
export class RecordingAcceptor implements LinkAcceptor {
  readonly subprotocols = ["test.v2", "test.v1"];
  readonly maxFrameBytes = 2 << 20;
  highWaterBytes = 1 << 20;
  readonly admitted: LinkRequest[] = [];
  readonly withdrawn: LinkRequest[] = [];
  readonly reports: string[] = [];
  readonly ends: ServerEnd[] = [];
  /** If set, refuses every link. */
  refusal: (() => Response) | undefined;
  /** If set, called with a link before `accept` returns. */
  onAccept: ((link: Link) => void) | undefined;
  readonly #waitMs: number | undefined;

  /** @param waitMs How long each end waits for its close, in milliseconds. */
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
