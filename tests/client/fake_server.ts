import {
  asClientMessage,
  type ClientMessage,
  type Encoded,
  type ServerMessage,
  type Welcome,
} from "../../contract/mod.ts";
import type { ClientTransport, Link, LinkEvents } from "../../transports/transport.ts";

/** The first messages of a scripted server. */
export const WELCOME: Welcome = { connection: "c1", node: "n1", heartbeatMs: 10_000, maxFrameBytes: 65_536 };

/** The server's end of one link, moved by hand. */
export class FakeLink {
  /** The frames that the client sent, each a list of messages. */
  readonly frames: ClientMessage[][] = [];
  /** How the client closed the link. */
  closedBy: { code: number; reason: string } | undefined;
  /** Whether the link answers a close, as one to a living peer does. */
  alive = true;
  bufferedAmount = 0;
  #closed = false;

  constructor(
    readonly url: string,
    readonly subprotocols: readonly string[],
    readonly events: LinkEvents & { open(link: Link): void },
  ) {}

  /** Every message that the client sent, the hello included. */
  get messages(): ClientMessage[] {
    return this.frames.flat();
  }

  /** The messages of one kind. */
  sent<K extends ClientMessage[0]>(kind: K): Extract<ClientMessage, readonly [K, ...unknown[]]>[] {
    return this.messages.filter(([k]) => k === kind) as never;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Lets the link open. */
  open(subprotocol = this.subprotocols[0]!): void {
    const amount = () => this.bufferedAmount;
    this.events.open({
      subprotocol,
      get bufferedAmount() {
        return amount();
      },
      send: (frame: Encoded) => {
        if (this.#closed || this.closedBy) return;
        this.frames.push(
          (JSON.parse(frame as string) as unknown[]).map((message) =>
            asClientMessage(message) as ClientMessage
          ),
        );
      },
      close: (code, reason) => this.clientCloses(code, reason),
    });
  }

  /** Opens and says welcome. */
  welcome(welcome: Partial<Welcome> = {}): void {
    this.open();
    this.say(["welcome", { ...WELCOME, ...welcome }]);
  }

  /** Sends messages in one frame. */
  say(...messages: ServerMessage[]): void {
    this.sayRaw(JSON.stringify(messages));
  }

  /** Sends a frame as it is. */
  sayRaw(frame: Encoded): void {
    if (!this.#closed) this.events.message(frame);
  }

  /** Answers a subscribe, the last one of this topic unless told. */
  accept(topic: string, output?: unknown): void {
    this.say(output === undefined ? ["res", this.subId(topic)] : ["res", this.subId(topic), output]);
  }

  /** The id of the last subscribe to a topic. */
  subId(topic: string): number {
    return this.sent("sub").filter((m) => m[2] === topic).at(-1)![1];
  }

  /** The link breaks, or the server closes it. */
  close(code = 1006, reason = ""): void {
    if (this.#closed) return;
    this.#closed = true;
    this.events.close(code, reason);
  }

  clientCloses(code: number, reason: string): void {
    if (this.#closed || this.closedBy) return;
    this.closedBy = { code, reason };
    if (this.alive) queueMicrotask(() => this.close(code, reason));
  }
}

/** A server whose every move is scripted. */
export class FakeServer implements ClientTransport {
  /** Every link that a client has tried to open. */
  readonly links: FakeLink[] = [];

  /** The latest link. */
  get link(): FakeLink {
    return this.links.at(-1)!;
  }

  connect(
    url: string,
    subprotocols: readonly string[],
    events: LinkEvents & { open(link: Link): void },
  ): (code: number, reason: string) => void {
    const link = new FakeLink(url, subprotocols, events);
    this.links.push(link);
    return (code, reason) => link.clientCloses(code, reason);
  }
}
