/**
 * The texts of the README below the tables: what stays true of a ratio, and where other servers are ahead.
 *
 * @module
 */

import { isWhole } from "./reach.ts";
import type { Row } from "./rows.ts";
import { ratio } from "./svg.ts";

const speed = ({ deliveriesPerCpuSecond: { median } }: Row): number => median;
const ours = (rows: readonly Row[]): readonly Row[] => rows.filter(({ peer }) => peer === "trunkline");
const NAMES: Readonly<Record<string, string>> = { deno: "Deno", bun: "Bun", node: "Node" };

/** The servers that deliver more messages in a second of processor time than Trunkline, for each runtime of Trunkline. */
function ahead(rows: readonly Row[]): string {
  return ours(rows).map((row) => {
    const others = rows.filter((other) => other.peer !== "trunkline" && speed(other) > speed(row));
    const named = others.map((
      { server, runtime },
    ) => (runtime === "native" ? server : `${server} on ${NAMES[runtime]}`));
    return `than Trunkline on ${NAMES[row.runtime]}: ${named.join(", ") || "none"}`;
  }).join("; ");
}

/** How many times as many messages Trunkline delivers as Socket.IO, in the same processor time. */
function factors(rows: readonly Row[]): string {
  const socketIo = rows.find(({ server }) => server === "socket.io");
  if (!socketIo || !isWhole(socketIo)) return "";
  const each = ours(rows).map((row) => `${ratio(speed(row) / speed(socketIo))} × (${NAMES[row.runtime]})`);
  return `Per second of processor time, Trunkline delivers ${
    each.join(" and ")
  } as many messages as Socket.IO on Node. `;
}

const behind = (rows: readonly Row[]): string =>
  `These deliver more per second of processor time ${ahead(rows)}.`;

/** The text below the table of bursts. */
export const afterBursts = (rows: readonly Row[]): string =>
  "Here many messages come at once, and Trunkline sends them together. So do NATS, `joined sends` (the bare runtime) and `limit` (a program in " +
  "C that does nothing else). None of them knows types. " +
  factors(rows) + behind(rows);

/** The text below the table of single messages. */
export const afterSteady = (rows: readonly Row[]): string =>
  "Here no two messages come together, so each needs its own write to each connection, with any library. " +
  factors(rows) + behind(rows);
