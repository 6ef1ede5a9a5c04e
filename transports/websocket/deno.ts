/**
 * WebSockets on Deno's server.
 *
 * @module
 */

import { CLOSE_CODES, type Encoded, exceedsUtf8, maxUtf8Size, systemClock } from "../../contract/mod.ts";
import { Backlog } from "./backlog.ts";
import { ABNORMAL_CLOSURE, MESSAGE_TOO_BIG, toSendableCode, toSendableReason } from "../kit/close.ts";
import { addressOf, DenoLinkRequest, isClosed, isSurelyOfServer, learnFrom } from "./deno_request.ts";
import { type Backlogged, Intake } from "./intake.ts";
import {
  applicationHeaders,
  copiedRequest,
  isWellFormed,
  malformedUpgrade,
  type Opening,
  type Upgradable,
  type WebSocketSkin,
} from "./skin.ts";
import type { Link, LinkAcceptor, LinkRequest, ServerLinkEvents } from "../transport.ts";

export type { Opening, Upgradable, WebSocketSkin };

/**
 * When to check first, after a send, whether a congested socket has drained. Each further check waits twice as long.
 */
const FIRST_LOOK_MS = 4;
const LONGEST_LOOK_MS = 128;

/** The events of a socket that concern its link. */
const EVENTS = ["open", "message", "error", "close"];

/** The server's end of a WebSocket. */
class DenoLink implements Link, Backlogged {
  readonly subprotocol: string;
  readonly #socket: WebSocket;
  readonly #acceptor: LinkAcceptor;
  readonly #intake: Intake;
  /** The request until the socket is open: it is large. */
  #request: LinkRequest | undefined;
  /** Absent until the socket is open. */
  #events!: ServerLinkEvents;
  #state: "open" | "closing" | "closed" = "open";
  #socketGone = false;
  #backlog: Backlog | undefined;
  #stopLooking: (() => void) | undefined;
  #error = "";
  /** An upper bound of the buffered bytes, because asking the socket is a slow call out of JavaScript. */
  #atMost = 0;

  constructor(
    socket: WebSocket,
    { acceptor, request, intake }: {
      readonly acceptor: LinkAcceptor;
      readonly request: LinkRequest;
      readonly intake: Intake;
    },
    subprotocol: string,
  ) {
    this.subprotocol = subprotocol;
    this.#socket = socket;
    this.#acceptor = acceptor;
    this.#intake = intake;
    this.#request = request;
    for (const type of EVENTS) socket.addEventListener(type, this);
  }

  /** Takes an event of the socket. One listener for all events takes less memory than a function for each. */
  handleEvent(event: Event): void {
    if (event instanceof MessageEvent) this.#receive(event.data);
    else if (event.type === "open") this.#open();
    else if (!this.#events) return; // it has never opened
    // A broken socket reports no code. Its error was reported before.
    else if (event instanceof CloseEvent) this.#closed(event.code, event.reason);
    else this.#error = event instanceof ErrorEvent ? event.message : "";
  }

  #open(): void {
    const request = this.#request!;
    this.#request = undefined;
    this.#events = this.#acceptor.accept(this, request);
  }

  #closed(code: number, reason: string): void {
    if (this.#socketGone) return; // Deno may report it twice, if a close could not be written
    this.#socketGone = true;
    if (this.#state === "closed") this.#events.freed();
    else if (code === 0) this.#leave(ABNORMAL_CLOSURE, this.#error);
    else this.#leave(code, reason);
  }

  get bufferedAmount(): number {
    if (this.#atMost >= this.#acceptor.highWaterBytes) this.#atMost = this.#socket.bufferedAmount;
    return this.#atMost;
  }

  send(frame: Encoded): void {
    if (this.#state !== "open") return;
    this.#socket.send(frame);
    this.#atMost += maxUtf8Size(frame);
    if (!this.#stopLooking && this.#congested) this.#lookAgainIn(FIRST_LOOK_MS);
  }

  close(code: number, reason: string): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#backlog = undefined;
    const sent = { code: toSendableCode(code), reason: toSendableReason(reason) };
    this.#socket.close(sent.code, sent.reason);
    // Deno waits without a limit for the other side's close frame. A silent client would keep the link for ever.
    queueMicrotask(() => this.#end(sent.code, sent.reason));
  }

  get #congested(): boolean {
    return this.bufferedAmount >= this.#acceptor.highWaterBytes;
  }

  #receive(data: string | ArrayBuffer): void {
    if (this.#state !== "open") return;
    const frame = typeof data === "string" ? data : new Uint8Array(data);
    // Deno has no limit for frames, so a frame is measured after it has arrived.
    if (exceedsUtf8(frame, this.#acceptor.maxFrameBytes)) this.close(MESSAGE_TOO_BIG, "Frame too large");
    else if (this.#intake.admits(this, frame.length)) this.#events.message(frame);
    else this.#keep(frame);
  }

  #keep(frame: Encoded): void {
    this.#backlog ??= new Backlog();
    if (this.#backlog.keep(frame)) return;
    this.close(CLOSE_CODES.RATE_LIMITED, "The client sends faster than the server can read");
  }

  get nextSize(): number | undefined {
    return this.#backlog?.nextSize;
  }

  next(): void {
    const backlog = this.#backlog!;
    const frame = backlog.take();
    if (backlog.nextSize === undefined) this.#backlog = undefined;
    this.#events.message(frame);
    const { farewell } = backlog;
    if (farewell && !this.#backlog) this.#end(farewell.code, farewell.reason);
  }

  /** The client has closed. Its waiting frames are delivered first. */
  #leave(code: number, reason: string): void {
    if (this.#backlog) this.#backlog.farewell = { code, reason };
    else this.#end(code, reason);
  }

  /** Deno does not report that a buffer has emptied. So while it is full, it is checked again and again. */
  #lookAgainIn(ms: number): void {
    this.#stopLooking = systemClock.after(ms, () => {
      this.#stopLooking = undefined;
      if (this.#congested) this.#lookAgainIn(Math.min(2 * ms, LONGEST_LOOK_MS));
      else this.#events.drain();
    }, { background: true });
  }

  #end(code: number, reason: string): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#backlog = undefined;
    this.#intake.forget(this);
    this.#stopLooking?.();
    this.#events.close(code, reason);
    if (this.#socketGone) this.#events.freed();
  }
}

/**
 * Whether Deno accepts the subprotocol as an option: it searches the offer, and expects a space after every comma.
 * Other subprotocols need a header in the answer. Only Deno 2.5.5 and later can change the headers of the answer.
 */
function isOption({ offer, subprotocol }: Opening): boolean {
  return offer === subprotocol || offer.split(", ").includes(subprotocol);
}

function upgrade(
  request: Request,
  terms: { readonly acceptor: LinkAcceptor; readonly request: DenoLinkRequest; readonly intake: Intake },
  opening: Opening,
): Response {
  const { acceptor } = terms;
  const { subprotocol, headers } = opening;
  const isOfServer = isSurelyOfServer(request);
  const received = terms.request.outlive();
  const byOption = isOption(opening);
  let upgraded: Deno.WebSocketUpgrade;
  try {
    // No idle timeout: Deno closes if a pong is late by half of it, even if this process is busy. The hub has its own
    // heartbeats.
    upgraded = Deno.upgradeWebSocket(
      request,
      byOption ? { idleTimeout: 0, protocol: subprotocol } : { idleTimeout: 0 },
    );
  } catch (error) {
    acceptor.withdraw(terms.request);
    if (!(error instanceof TypeError)) throw error;
    return isWellFormed(request) ? copiedRequest(acceptor) : malformedUpgrade(acceptor); // or no request of Deno's
  }
  if (!isOfServer && !isClosed(request)) { // Deno gives no error, and an answer that only looks like an upgrade
    acceptor.withdraw(terms.request);
    return copiedRequest(acceptor);
  }
  learnFrom(received);
  const { socket, response } = upgraded;
  try {
    for (const [name, value] of applicationHeaders(headers)) response.headers.append(name, value);
    if (subprotocol !== "" && !byOption) response.headers.append("sec-websocket-protocol", subprotocol);
  } catch (cause) {
    acceptor.report(
      new TypeError("Cannot set headers of an upgrade: update Deno to 2.5.5 or later", { cause }),
    );
  }
  socket.binaryType = "arraybuffer";
  new DenoLink(socket, terms, subprotocol);
  return response;
}

/** Makes the part that upgrades requests of `Deno.serve`, for one transport. */
export function createDenoSkin(): WebSocketSkin {
  const intake = new Intake();
  return {
    recognise(request: Request, platform: unknown): Upgradable | undefined {
      if (typeof Deno === "undefined" || typeof Deno.upgradeWebSocket !== "function") return undefined;
      const link = new DenoLinkRequest(request, addressOf(platform));
      return {
        link,
        upgrade(acceptor, opening) {
          return upgrade(request, { acceptor, request: link, intake }, opening);
        },
      };
    },
  };
}
