import type { Surface } from "../../contract/mod.ts";
import type { Connection } from "../../hub/connection/connection.ts";
import { Outbox } from "../../hub/outbox/outbox.ts";
import type { OutboxLimits } from "../../hub/outbox/outbox_rules.ts";
import type { OutgoingMessage } from "../../hub/outbox/outgoing_message.ts";
import { SharedRecord } from "../../hub/outbox/shared_record.ts";
import { Turn } from "../../hub/outbox/turn.ts";
import type { Link } from "../../transports/transport.ts";
import { FakeClock } from "../fake_clock.ts";
import { CountingCodec, NO_LIMITS, numbered } from "./counting_codec.ts";

/** The part of a connection that groups use, with a real outbox over a link that only records. */
export class FakeConnection {
  memberships: Connection["memberships"];
  readonly surface: Surface;
  readonly outbox: Outbox;
  readonly #scene: TapeScene;
  readonly #link: Link & { frames: (string | Uint8Array)[] };
  closed = false;
  /** Whether it takes records of rooms with history. */
  recovers = false;
  #amount = 0;

  constructor(scene: TapeScene, surface: Surface) {
    this.#scene = scene;
    this.surface = surface;
    const frames: (string | Uint8Array)[] = [];
    const amount = () => this.#amount;
    this.#link = {
      subprotocol: "",
      get bufferedAmount() {
        return amount();
      },
      frames,
      send: (f) => void frames.push(f),
      close() {},
    };
    this.outbox = new Outbox(this.#link, scene.turn, { limits: scene.limits, clock: new FakeClock() });
    this.outbox.uncork(numbered(-1));
    frames.length = 0;
  }

  /** Fills its link: the next frame is held. */
  fill(): void {
    this.#amount = Infinity;
    this.outbox.push(numbered(-1));
    this.outbox.flush();
    this.#link.frames.length = 0;
  }

  /** The link has room again. */
  drain(): void {
    this.#amount = 0;
    this.outbox.drained();
  }

  /** The frames that it was sent, as objects. */
  get frames(): readonly unknown[] {
    return this.#link.frames;
  }

  /** The messages that it was sent; ends the turn. */
  get got(): unknown[] {
    this.#scene.endTurn();
    return this.#link.frames.flatMap((frame) => this.#scene.codec.decode(frame as string));
  }
}

/** A record of a room whose event only some roles have. Its number is negative in the form without the event. */
export class NumberedRecord extends SharedRecord {
  readonly event = "e";
  readonly except = null;
  readonly hidden: OutgoingMessage;
  readonly plain: OutgoingMessage;

  constructor(n: number) {
    super({ offset: n, data: "" }, () => ["ev", "n", n], () => JSON.stringify(["ev", "n", n]));
    this.hidden = numbered(-n);
    this.plain = numbered(n);
  }
}

/** Connections that share a turn. */
export class TapeScene {
  readonly codec: CountingCodec = new CountingCodec();
  readonly limits: OutboxLimits;
  readonly turn: Turn;
  readonly #ends: (() => void)[] = [];

  constructor(limits: Partial<OutboxLimits> = {}) {
    this.limits = { ...NO_LIMITS, ...limits };
    this.turn = new Turn(this.codec, this.limits, { endOfTurn: (end) => this.#ends.push(end) });
  }

  /** A connection whose role has these events. */
  connect(...events: string[]): FakeConnection & Connection {
    const serverToClient = new Map(events.map((name) => [name, { name }]));
    return new FakeConnection(this, { serverToClient } as unknown as Surface) as FakeConnection & Connection;
  }

  endTurn(): void {
    for (const end of this.#ends.splice(0)) end();
  }
}
