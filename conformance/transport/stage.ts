import type { ClientTransport } from "../../transports/transport.ts";
import { checkSame, until } from "../check.ts";
import { RecordedEnd, RecordingAcceptor, type ServerEnd } from "./recording.ts";
import type { RunningTransport, TransportSetup } from "./setup.ts";

/** Both ends of a link. */
export interface Pair {
  readonly client: RecordedEnd;
  readonly server: ServerEnd;
}

/** The running transport of a case, and the hub that it was given. */
export class LinkStage {
  readonly acceptor: RecordingAcceptor;
  readonly address: string | undefined;
  readonly waitMs: number;
  readonly #setup: TransportSetup;
  #running: RunningTransport | undefined;

  constructor(setup: TransportSetup) {
    const { waitMs = 10_000, address = "127.0.0.1" } = setup;
    this.#setup = setup;
    this.waitMs = waitMs;
    this.address = address ?? undefined;
    this.acceptor = new RecordingAcceptor(waitMs);
  }

  get client(): ClientTransport {
    return this.#running!.client;
  }

  get url(): string {
    return this.#running!.url;
  }

  async start(): Promise<void> {
    this.#running = await this.#setup.start(this.acceptor);
  }

  /** Opens a link, and waits until both ends have it. */
  async open(subprotocols: readonly string[] = ["test.v1"], query = ""): Promise<Pair> {
    const before = this.acceptor.ends.length;
    const client = new RecordedEnd(this.waitMs);
    this.client.connect(`${this.url}${query}`, subprotocols, client);
    await this.until(() => client.link !== undefined, "the client's end of a link");
    await this.until(() => this.acceptor.ends.length > before, "the server's end of a link");
    return { client, server: this.acceptor.ends[before]! };
  }

  /** Waits until everything about a link was reported. */
  async settle({ client, server }: Pair): Promise<void> {
    await client.ended();
    await server.ended();
    await this.until(() => server.freeings.length > 0, "the transport to free the link");
    await new Promise((resolve) => setTimeout(resolve));
  }

  until(condition: () => boolean, what = "what was sent"): Promise<void> {
    return until(condition, () => what, this.waitMs);
  }

  async end(): Promise<void> {
    await this.#running?.close();
  }
}

/** A case that does not know its transport yet. */
export interface LinkCase {
  /** The behaviour. */
  readonly name: string;
  /** Rejects if the behaviour does not hold. */
  run(stage: LinkStage): Promise<void>;
}

/** A case that opens its links itself. */
export function linkCase(name: string, fn: (stage: LinkStage) => Promise<void>): LinkCase {
  return {
    name,
    async run(stage) {
      await stage.start();
      await fn(stage);
    },
  };
}

/** A case about one link. The link is closed at the end of the case. */
export function pairCase(name: string, fn: (pair: Pair, stage: LinkStage) => Promise<void>): LinkCase {
  return linkCase(name, async (stage) => {
    const pair = await stage.open();
    await fn(pair, stage);
    pair.server.link.close(1000, "");
    await stage.settle(pair);
    checkSame([pair.client.closings.length, pair.server.closings.length], [1, 1], "Closes at both ends");
    checkSame(pair.server.freeings, [1], "Closes before the transport freed the link, once");
  });
}
