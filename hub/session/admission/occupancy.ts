/**
 * Counts the sockets of all clients, and the sockets of each address. A socket counts from the moment when the hub
 * accepts the link until the socket is free. That may be long after the hub has closed the link.
 *
 * @module
 */

import type { Clock } from "../../../contract/mod.ts";
import type { LinkRequest } from "../../../transports/transport.ts";
import { AddressLimit } from "./address_limit.ts";
import type { Limits } from "../limits.ts";

/**
 * How long a place is reserved for an accepted link that has not opened, in milliseconds. A link opens within a round
 * trip or not at all. Some runtimes do not tell when it does not open.
 */
const RESERVED_MS = 2_000;

/** Which limit is reached. */
export type Shortage = "node" | "address";

/** The place of a link. */
export interface Place {
  /** The address of the client. Pass it to `leave`. */
  readonly address: string | undefined;
  /** The limit that this link exceeds. The link counts anyway, because its socket exists. */
  readonly shortage: Shortage | undefined;
}

/** A place for a link that is about to open. */
interface Reserved {
  readonly address: string | undefined;
  /** When it is free again, by the clock. */
  readonly until: number;
}

/** Counts sockets. */
export class Occupancy {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #addresses: AddressLimit;
  readonly #reserved = new Map<LinkRequest, Reserved>();
  /** No reserved place is free again before this time, by the clock. */
  #soonest = 0;
  #taken = 0;

  /**
   * @param clock The clock.
   * @param limits How many sockets there may be, in all and for each address.
   */
  constructor(clock: Clock, limits: Pick<Limits, "maxConnections" | "maxConnectionsPerAddress">) {
    this.#clock = clock;
    this.#max = limits.maxConnections;
    this.#addresses = new AddressLimit(limits.maxConnectionsPerAddress);
  }

  /** How many links have a place. */
  get taken(): number {
    return this.#taken;
  }

  /** How many addresses are counted. */
  get addresses(): number {
    this.#expire();
    return this.#addresses.size;
  }

  /**
   * Reserves a place for a link that is about to open.
   *
   * @returns The limit that is reached, if any.
   */
  reserve(request: LinkRequest, address: string | undefined): Shortage | undefined {
    const now = this.#expire();
    const shortage = this.#lacking(address);
    if (shortage) return shortage;
    this.#addresses.add(address);
    const until = now + RESERVED_MS;
    if (this.#reserved.size === 0) this.#soonest = until;
    this.#reserved.set(request, { address, until });
    return undefined;
  }

  /** An accepted link will not open: its place is free again. */
  withdraw(request: LinkRequest): void {
    const reserved = this.#reserved.get(request);
    if (!reserved) return;
    this.#reserved.delete(request);
    this.#addresses.leave(reserved.address);
  }

  /**
   * A link is open and takes its reserved place, or a new one.
   *
   * @param addressOf Gives the address when no place was reserved.
   */
  take(request: LinkRequest, addressOf: (request: LinkRequest) => string | undefined): Place {
    const reserved = this.#reserved.get(request);
    if (reserved) {
      this.#reserved.delete(request);
      this.#taken++;
      return { address: reserved.address, shortage: undefined };
    }
    const address = addressOf(request);
    const shortage = this.#lacking(address);
    this.#addresses.add(address);
    this.#taken++;
    return { address, shortage };
  }

  /** A socket is closed and released: its place is free again. */
  leave(address: string | undefined): void {
    this.#taken--;
    this.#addresses.leave(address);
  }

  #lacking(address: string | undefined): Shortage | undefined {
    if (this.#taken + this.#reserved.size >= this.#max) return "node";
    return this.#addresses.hasRoom(address) ? undefined : "address";
  }

  /** Frees the places whose time is up. Returns the time. */
  #expire(): number {
    const now = this.#clock.now();
    if (this.#reserved.size > 0 && this.#soonest <= now) this.#expireUntil(now);
    return now;
  }

  #expireUntil(now: number): void {
    for (const [request, { until }] of this.#reserved) {
      this.#soonest = until;
      if (until > now) return; // the later ones expire later
      this.withdraw(request);
    }
  }
}
