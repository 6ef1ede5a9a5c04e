/**
 * What the processes of the torture say to each other: lines of JSON.
 *
 * @module
 */

import type { HubStats } from "@trunkline/hub";
import type { TopicName } from "./contract.ts";

/** The stores that are tortured, by the name of their adapter. */
export type StoreName = "redis" | "redis-cluster" | "nats" | "postgres";

/** A message to publish: its number, and its topic. */
export type Order = readonly [number: number, topic: TopicName];

/** The result of an order. */
export type Answer =
  | readonly [number: number, epoch: string, offset: number]
  | readonly [number: number, code: string, message: string];

/** Where a node is. */
export interface NodePlace {
  readonly store: StoreName;
  readonly url: string;
  readonly prefix: string;
  /** Where it listens; a free port when 0. */
  readonly port: number;
}

/** A message to a node. */
export type NodeCommand =
  | { readonly publish: readonly Order[] }
  | { readonly audit: readonly TopicName[] }
  | { readonly stats: true };

/** The content of a history at the end. */
export interface Audit {
  readonly topic: TopicName;
  readonly epoch: string;
  /** The newest offset. */
  readonly last: number;
  /** The offset of the first message, and the numbers of all of them. */
  readonly from: number;
  readonly numbers: readonly number[];
}

/** A message of a node. */
export type NodeWord =
  | { readonly port: number }
  | { readonly answers: readonly Answer[] }
  | { readonly audit: Audit }
  | { readonly stats: HubStats; readonly publishing: number }
  | { readonly errors: Readonly<Record<string, number>>; readonly stuckUpgrades: number };

/** A loss of the link of a client. Times are in milliseconds. */
export interface Drop {
  readonly at: number;
  readonly client: number;
  readonly forMs: number;
}

/** The orders for a process of clients. */
export interface LoadPlace {
  /** The number of its first client, and how many there are. */
  readonly first: number;
  readonly clients: number;
  /** The ports of the nodes. */
  readonly ports: readonly number[];
  /** The subscriptions of each client. */
  readonly topics: readonly (readonly TopicName[])[];
}

/** A message to a process of clients. */
export type LoadCommand =
  | { readonly drops: readonly Drop[] }
  | { readonly heal: true }
  /** Tell when every listener has heard these: for each topic the last message. */
  | { readonly awaitLast: readonly (readonly [topic: TopicName, epoch: string, offset: number])[] }
  | { readonly finish: true };

/** A listener went on at another place than after what it had heard last, or began. */
export interface Jump {
  readonly client: number;
  readonly topic: TopicName;
  /** Its last message, if any. */
  readonly before?: readonly [epoch: string, offset: number];
  /** Its next message, if any. */
  readonly after?: readonly [epoch: string, offset: number];
  /** When it was told that it is live, or that it may have missed something: what is published later it must hear. */
  readonly toldAt: number;
}

/** The messages that clients got at each position of an epoch: the numbers from an offset on; 0 if no client got one. */
export interface Heard {
  readonly topic: TopicName;
  readonly epoch: string;
  readonly from: number;
  readonly numbers: readonly number[];
}

/** The counts of a process of clients. */
export interface LoadCounts {
  deliveries: number;
  replays: number;
  claimsTrue: number;
  claimsFalse: number;
  drops: number;
  duplicates: number;
  orderBreaks: number;
  holes: number;
}

/** A message of a process of clients. */
export type LoadWord =
  | { readonly ready: true }
  | { readonly back: true }
  | { readonly missing: readonly string[] }
  | { readonly violation: string }
  | { readonly jump: Jump }
  | { readonly heard: Heard }
  | { readonly counts: LoadCounts; readonly errors: Readonly<Record<string, number>> };
