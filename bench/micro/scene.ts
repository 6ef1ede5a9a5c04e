/**
 * Parts of a hub without sockets, to measure them alone.
 *
 * @module
 */

import { type Codec, jsonCodec, systemClock } from "@trunkline/hub/contract";
import type { Link } from "@trunkline/hub/transports/transport";
import type { Connection } from "../../hub/connection/connection.ts";
import type { Interest } from "../../hub/backplane/interest.ts";
import { Outbox } from "../../hub/outbox/outbox.ts";
import type { OutboxLimits } from "../../hub/outbox/outbox_rules.ts";
import { OutgoingMessage } from "../../hub/outbox/outgoing_message.ts";
import { Registry } from "../../hub/groups/registry.ts";
import { Turn } from "../../hub/outbox/turn.ts";

const LIMITS: OutboxLimits = {
  maxMessages: 10_000,
  maxBytes: 1024 * 1024,
  policy: "close",
  maxFrameMessages: 64,
  maxFrameLength: 64 * 1024,
  highWaterBytes: 256 * 1024,
};

/** The group of all connections. */
export const GROUP = "group";

/** A short chat line, as an outgoing message. */
export const line = (text: string): OutgoingMessage =>
  new OutgoingMessage(["ev", "message", { text: `${text} hello, everyone here` }], { droppable: true });

/** A link that accepts every write at once. */
class NoLink implements Link {
  readonly subprotocol = jsonCodec.subprotocol;
  bufferedAmount = 0;
  send(): void {}
  close(): void {}
}

/** The parts of connections that delivery needs, all in one group, and the end of their turn. */
export function scene(count: number, codec: Codec = jsonCodec) {
  let atEnd: (() => void)[] = [];
  const turn = new Turn(codec, LIMITS, { endOfTurn: (callback) => atEnd.push(callback) });
  const interest = { keep: () => ({ settled: Promise.resolve(), release() {} }) } as unknown as Interest;
  const registry = new Registry(interest);
  const surface = { serverToClient: new Map([["message", {}]]) };
  const members = Array.from({ length: count }, (_, i) => {
    const link = new NoLink();
    const outbox = new Outbox(link, turn, { limits: LIMITS, clock: systemClock });
    outbox.uncork(line("first"));
    const conn = { id: String(i), outbox, surface, memberships: undefined, closed: false };
    registry.enrol(GROUP, GROUP, conn as unknown as Connection);
    return { link, outbox, conn: conn as unknown as Connection };
  });
  /** Ends the turn. */
  const endTurn = () => {
    const callbacks = atEnd;
    atEnd = [];
    for (const callback of callbacks) callback();
  };
  return { registry, members, endTurn };
}
