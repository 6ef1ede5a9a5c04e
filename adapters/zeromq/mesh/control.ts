/**
 * What nodes of a mesh say to each other beside messages: lists in JSON whose first item says what they are.
 *
 * From the node that sends to the one that receives: `["hello", {…}]`, `["has", version]`, `["ping", n]`, `["lost", names]`,
 * `["bye", n]`. Back: `["welcome", {…}]`, `["no", reason]`, `["wants", version, reset, add, remove]`,
 * `["pong", n, bytes, count]`.
 *
 * @module
 */

import { MAX_ADDRESS } from "../addresses.ts";

/** The version of this talk. */
export const VERSION = 1;

/** More names of what was lost are "anything". */
export const MAX_LOST_NAMES = 100;

/** Where a node listens, and with which key. */
export interface Place {
  readonly address: string;
  readonly key: string | undefined;
}

/** The first words of a node that sends. */
export interface Hello extends Place {
  readonly v: number;
  readonly prefix: string;
  readonly id: string;
  /** Whether it took part in the mesh before: then each of the two may have missed what the other has sent. */
  readonly joined: boolean;
  /** The link to the same node that this one replaces: nothing of that may come after what comes here. */
  readonly former: string | undefined;
}

/** The answer. */
export interface Welcome extends Place {
  readonly id: string;
  /** The other nodes. */
  readonly peers: readonly Place[];
}

/** Reads what came; nothing that a node of this version did not send passes. */
export function readControl(frame: Uint8Array): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(frame));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/** Reads a greeting. */
export function readHello(value: unknown): Hello | undefined {
  const { v, prefix, id, joined, former } = bagOf(value);
  const place = readPlace(value);
  if (v !== VERSION || typeof prefix !== "string" || !isId(id) || !place) return undefined;
  return {
    v,
    prefix,
    id,
    joined: joined === true,
    former: typeof former === "string" ? former : undefined,
    ...place,
  };
}

/** Reads the answer to one. */
export function readWelcome(value: unknown): Welcome | undefined {
  const { id, peers } = bagOf(value);
  const place = readPlace(value);
  if (!isId(id) || !Array.isArray(peers) || !place) return undefined;
  return { id, ...place, peers: peers.map(readPlace).filter((peer) => peer !== undefined) };
}

/**
 * Reads what was lost.
 *
 * @returns Names, or `[undefined]` for anything.
 */
export function readLost(value: unknown): readonly (string | undefined)[] {
  const names = new Set(readNames(value));
  return value === null || names.size > MAX_LOST_NAMES ? [undefined] : [...names];
}

/** Reads a list of names. */
export function readNames(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === "string") : [];
}

/** Reads a number that counts something. */
export function readCount(value: unknown): number {
  return typeof value === "number" && value >= 0 ? value : 0;
}

function readPlace(value: unknown): Place | undefined {
  const { address, key } = bagOf(value);
  if (typeof address !== "string" || address.length > MAX_ADDRESS || !/^(tcp|ipc):\/\/./.test(address)) {
    return undefined;
  }
  return { address, key: typeof key === "string" ? key : undefined };
}

function isId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= 1024;
}

function bagOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? value as Record<string, unknown> : {};
}
