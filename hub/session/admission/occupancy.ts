/**
 * How many sockets there are, of all clients and of each address: from the moment a link is let in until its socket is
 * free, which may be long after the hub is done with it.
 *
 * @module
 */

import type { Clock } from "../../../contract/mod.ts";
import type { LinkRequest } from "../../../transports/transport.ts";
import { addressKey } from "./address_key.ts";
import { KeyedLimit, type Limits } from "../limits.ts";

/**
 * How long a place is kept for a link that was let in and has not opened, in milliseconds. It opens within a round trip
 * or never, and not every runtime tells of the latter.
 */
const RESERVED_MS = 2_000;

/** Why a link finds no place. */
export type Shortage = "node" | "address";

/** A place of a link. */
export interface Place {
  /** The address of the client; leave with it. */
  readonly address: string | undefined;
  /** What is exceeded with this link. It takes its place all the same: its socket is there. */
  readonly shortage: Shortage | undefined;
}

/** Counts sockets. */
export class Occupancy {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #addresses: KeyedLimit;
  readonly #reserved = new Map<
    LinkRequest,
    { readonly address: string | undefined; readonly until: number }
  >();
  #taken = 0;

  /**
   * @param clock Where time comes from.
   * @param limits How many sockets there may be, in all and of one address.
   */
  constructor(clock: Clock, limits: Pick<Limits, "maxConnections" | "maxConnectionsPerAddress">) {
    this.#clock = clock;
    this.#max = limits.maxConnections;
    this.#addresses = new KeyedLimit(limits.maxConnectionsPerAddress);
  }

  /** How many links have taken their place and not left it. */
  get taken(): number {
    return this.#taken;
  }

  /** How many addresses are counted. */
  get addresses(): number {
    this.#expire();
    return this.#addresses.size;
  }

  /**
   * Keeps a place for a link that is about to open.
   *
   * @returns What is lacking, if it is.
   */
  reserve(request: LinkRequest, address: string | undefined): Shortage | undefined {
    this.#expire();
    const shortage = this.#lacking(address);
    if (shortage) return shortage;
    this.#addresses.add(keyOf(address));
    this.#reserved.set(request, { address, until: this.#clock.now() + RESERVED_MS });
    return undefined;
  }

  /** A link that was let in will not open. */
  withdraw(request: LinkRequest): void {
    const reserved = this.#reserved.get(request);
    if (!reserved) return;
    this.#reserved.delete(request);
    this.#addresses.leave(keyOf(reserved.address));
  }

  /**
   * A link is open and takes its place: the one that was kept for it, or one more.
   *
   * @param addressOf Tells the address, where no place was kept.
   */
  take(request: LinkRequest, addressOf: (request: LinkRequest) => string | undefined): Place {
    const reserved = this.#reserved.get(request);
    this.#reserved.delete(request);
    const address = reserved ? reserved.address : addressOf(request);
    const shortage = reserved ? undefined : this.#lacking(address);
    if (!reserved) this.#addresses.add(keyOf(address));
    this.#taken++;
    return { address, shortage };
  }

  /** A socket is free. */
  leave(address: string | undefined): void {
    this.#taken--;
    this.#addresses.leave(keyOf(address));
  }

  #lacking(address: string | undefined): Shortage | undefined {
    if (this.#taken + this.#reserved.size >= this.#max) return "node";
    const key = keyOf(address);
    return key === undefined || this.#addresses.hasRoom(key) ? undefined : "address";
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const [request, { until }] of this.#reserved) {
      if (until > now) return; // those behind it were kept later
      this.withdraw(request);
    }
  }
}

function keyOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : addressKey(address);
}
