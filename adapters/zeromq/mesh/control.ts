/**
 * Control messages between nodes of a mesh: JSON lists whose first item is the type.
 *
 * From sender to receiver: `["hello", {…}]`, `["has", version]`, `["ping", n]`, `["lost", names]`, `["bye", n]`. Back:
 * `["welcome", {…}]`, `["no", reason]`, `["wants", version, reset, add, remove]`, `["pong", n, bytes, count]`, and
 * `["poke"]`, which has no meaning of its own.
 *
 * @module
 */

import { MAX_ADDRESS } from "../addresses.ts";

/** The version of this protocol. */
export const VERSION = 1;

/** With more lost names than this, `lost` means all names. */
export const MAX_LOST_NAMES = 100;

/** The address and the key of a node. */
export interface Place {
  readonly address: string;
  readonly key: string | undefined;
}

/** The first message of a sending node. */
export interface Hello extends Place {
  readonly v: number;
  readonly prefix: string;
  readonly id: string;
  /** Whether the sender was in the mesh before. Then each of the two nodes may have missed messages of the other. */
  readonly joined: boolean;
  /**
   * The earlier connection to the same node, which this one replaces. Nothing of it may arrive after messages of this
   * one.
   */
  readonly former: string | undefined;
}

/** The answer to `hello`. */
export interface Welcome extends Place {
  readonly id: string;
  /** The other nodes. */
  readonly peers: readonly Place[];
}

/** Reads a control message. Accepts only messages that a node of this version sends. */
export function readControl(frame: Uint8Array): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(frame));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/** Reads a `hello`. */
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

/** Reads a `welcome`. */
export function readWelcome(value: unknown): Welcome | undefined {
  const { id, peers } = bagOf(value);
  const place = readPlace(value);
  if (!isId(id) || !Array.isArray(peers) || !place) return undefined;
  return { id, ...place, peers: peers.map(readPlace).filter((peer) => peer !== undefined) };
}

/**
 * Reads the names of lost messages.
 *
 * @returns The names, or `[undefined]` if any channel may be affected.
 */
export function readLost(value: unknown): readonly (string | undefined)[] {
  const names = new Set(readNames(value));
  return value === null || names.size > MAX_LOST_NAMES ? [undefined] : [...names];
}

/** Reads a list of names. */
export function readNames(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === "string") : [];
}

/** Reads a counter. */
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
