/**
 * The place of a window: its node, and the name of its user. The page's address goes first, then the values from before a reload,
 * then the values that the server has assigned.
 *
 * @module
 */

import { Name, type PageConfig, type WindowPlace } from "../contract.ts";
import { keptInTab } from "./kept.ts";

/** A window: the page's own, or the second one inside it. Both are in one tab and share its storage. */
export type WindowKind = "first" | "second";

const keyOf = (kind: WindowKind, what: string) => `trunkline-demo.${kind}.${what}`;

/** Stores a value of a window as long as its tab is open. */
export const remember = (kind: WindowKind, what: "name" | "node" | "rooms", text: string): void =>
  keptInTab.set(keyOf(kind, what), text);

/** The stored value. */
export const remembered = (kind: WindowKind, what: "name" | "node" | "rooms"): string | null =>
  keptInTab.get(keyOf(kind, what));

/** The place of this document's window. */
export function ownPlace(kind: WindowKind, { slots, windows }: PageConfig): WindowPlace {
  const told = new URLSearchParams(location.search);
  const assigned = windows[kind === "first" ? 0 : 1];
  const name = Name.safeParse(told.get("name") ?? remembered(kind, "name")).data ?? assigned.name;
  const number = Number(told.get("node") ?? remembered(kind, "node"));
  const node = slots.some((slot) => slot.number === number) ? number : assigned.node;
  remember(kind, "name", name);
  remember(kind, "node", String(node));
  return { name, node };
}

/** The place of the second window: with another name, and on another node if there is one. */
export function secondPlace(first: WindowPlace, { slots, windows }: PageConfig): WindowPlace {
  const [one, other] = windows;
  const name = remembered("second", "name") ?? other.name;
  const wanted = Number(remembered("second", "node") ?? other.node);
  const running = slots.filter(({ state, number }) => state === "running" && number !== first.node);
  const node = running.find(({ number }) => number === wanted) ??
    running.find(({ number }) => number > first.node) ??
    running[0];
  return { name: name === first.name ? one.name : name, node: node?.number ?? first.node };
}
