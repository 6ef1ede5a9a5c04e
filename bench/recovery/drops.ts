/**
 * Drops: the messages of a story that clients get while their links are cut again and again, and a node dies.
 *
 * @module
 */

import { nameOf } from "../cluster/compare.ts";
import type { DropsLoad } from "../load/recovery/drops.ts";
import { plotBars } from "../plot.ts";
import type { Range } from "../range.ts";
import type { Study } from "../study.ts";
import { recoveryCandidates } from "./candidates.ts";
import { compareRecovery } from "./compare.ts";
import {
  caseOf,
  type DropsCase,
  dropsFaults,
  type DropsRow,
  dropsVerdicts,
  type FateName,
  type Times,
  toDropsRow,
} from "./drops_rows.ts";
import { type Fate, measureDrops } from "./measure.ts";
import { recoveryTable } from "./table.ts";

const NODES = 3;
/** How many cases are measured at the same time. Two messages a second are a light load. */
const TOGETHER = 5;
const SEED = 1;

type Extent = Omit<DropsLoad, "ports" | "dialect">;

const FULL: Extent = {
  clients: 1_000,
  messages: 90,
  everyMs: 500,
  cutEveryMs: 15_000,
  downMs: 2_000,
  settleMs: 10_000,
  seed: SEED,
};
/** The load of a quick run. Links last long enough to count as stable: after an unstable link a client waits longer to reconnect. */
export const quickDrops: Extent = {
  clients: 50,
  messages: 100,
  everyMs: 100,
  cutEveryMs: 6_000,
  downMs: 500,
  settleMs: 10_000,
  seed: SEED,
};
const FATES: Readonly<Record<FateName, Fate | undefined>> = {
  "lives": undefined,
  "killed": { killedAtMs: 20_000 },
  "killed and restarted": { killedAtMs: 20_000, restartedAtMs: 25_000 },
};

/** All cases, or those of a quick run. */
function casesOf(quick: boolean): DropsCase[] {
  return recoveryCandidates.filter(({ quickly }) => !quick || quickly).flatMap((candidate): DropsCase[] => {
    if (!candidate.broker) return [{ candidate, nodes: 1, fate: "lives" }];
    return (Object.keys(FATES) as FateName[]).map((fate) => ({
      candidate,
      nodes: NODES,
      fate,
      ...(FATES[fate] && { when: FATES[fate] }),
    }));
  });
}

const whole = ({ median }: Range): string => Math.round(median).toLocaleString("en");
const three = ({ p50, p99, max }: Times): string => [p50, p99, max].map(whole).join(" / ");
const share = ({ delivered, expected }: DropsRow): string =>
  delivered === expected ? "100 %" : `${Math.min(99.99, 100 * delivered / expected).toFixed(2)} %`;

/** Published figures of other servers with a similar load. */
const PUBLISHED = "AnyCable cannot be installed on the machine of this benchmark. Its authors " +
  "[published](https://evilmartians.com/chronicles/choose-your-fighter-benchmarking-5-websocket-servers-for-nodejs) figures for 10,000 " +
  "clients on their machines, with the same times: AnyCable 100 % delivered, Socket.IO with recovery 100 %, Socket.IO 84.6 %, " +
  "uWebSockets.js 87.0 % ([the shares](https://docs.anycable.io/capabilities)). Times of other machines cannot be compared with those here.";

function report(rows: readonly DropsRow[]) {
  const bars = (title: string, label: string, figure: (row: DropsRow) => Range) =>
    plotBars(title, label, rows.map((row) => ({ name: caseOf(row), peer: row.peer, figure: figure(row) })));
  const lost = ({ delivered, expected }: DropsRow) => {
    const percent = 100 * (1 - delivered / expected);
    return { median: percent, min: percent, max: percent };
  };
  const text = [
    `${
      FULL.clients.toLocaleString("en")
    } clients subscribe to one story, a topic. A message is published to it every ${FULL.everyMs} ms for ` +
    `${FULL.messages * FULL.everyMs / 1_000} s, on each node in turn. About every ${
      FULL.cutEveryMs / 1_000
    } s (up to a fifth more or less, ` +
    `at the same random times for all servers) a client's connection is reset at both ends. For about ${
      FULL.downMs / 1_000
    } s all its new connections are reset too. Then a balancer leads it to ` +
    `any node that is alive. In some rows one of the ${NODES} nodes is killed after 20 s; in others it is also started again 5 s later. Messages that arrive within ${
      FULL.settleMs / 1_000
    } s after the end count as delivered. ${TOGETHER} rows are measured at the same time.`,
    "The clients are those that users have: each library's own, with its default settings. Socket.IO connects by WebSocket only. crossws and bare Bun have a WebSocket that " +
    "connects again every second. A message counts if the server has said that it is published.",
    [
      "- **falsely recovered**: how often a client was told that it has every message, and had not.",
      "- **lost without notice**: messages that a client missed, and the client was not told that a message is missing.",
      "- **replay**: from the moment the network is back until the client has all messages that were published during the outage. Only outages after which it got all of them count.",
      "- **latency**: from publishing to delivery, with outages. **away**: from the loss of the link until the client is live again.",
    ].join("\n"),
    "![Messages that were lost](results/drops.svg)",
    "![How long clients were away](results/drops-away.svg)",
    recoveryTable(
      rows,
      [
        "node",
        "delivered",
        "twice",
        "falsely recovered",
        "lost without notice",
        "replay, ms: p50 / p99 / most",
        "latency, ms",
        "away, ms",
      ],
      (row) => [
        row.fate,
        share(row),
        row.duplicates.toLocaleString("en"),
        row.falseClaims.toLocaleString("en"),
        row.silentlyLost.toLocaleString("en"),
        row.replayMs ? three(row.replayMs) : "–",
        three(row.latencyMs),
        three(row.awayMs),
      ],
    ),
    PUBLISHED,
  ].join("\n\n");
  const drawings = {
    "drops": bars("Messages lost, %", "The share of messages that were lost", lost),
    "drops-away": bars("Away, ms, p99", "How long clients were away", ({ awayMs }) => awayMs.p99),
  };
  return { text, drawings };
}

/** The study. */
export const drops: Study<readonly DropsRow[]> = {
  name: "drops",
  what: `${
    FULL.clients.toLocaleString("en")
  } clients whose links are cut again and again, on 1 and ${NODES} nodes`,
  canBeQuick: true,
  repetitions: 1,
  report,
  reach: dropsVerdicts,
  async run(paths, say, { quick, ...extent }) {
    const { measured, faults } = await compareRecovery(
      "drops",
      casesOf(quick),
      async ({ candidate, nodes, when, fate }, scene) => {
        const outcome = await measureDrops(candidate, nodes, quick ? quickDrops : FULL, scene, when);
        say(`(${nameOf(candidate)}, ${nodes} nodes, ${fate}: ${outcome.delivered} of ${outcome.expected})`);
        return outcome;
      },
      paths,
      say,
      extent,
      TOGETHER,
    );
    const rows = measured.map(toDropsRow);
    for (const row of rows) say(line(row));
    return { rows, faults: [...faults, ...dropsFaults(rows)] };
  },
};

/** A row for the terminal. */
function line(row: DropsRow): string {
  return `${caseOf(row).padEnd(60)} delivered ${
    share(row)
  }, ${row.duplicates} twice, ${row.falseClaims} falsely recovered, ` +
    `${row.silentlyLost} lost without notice, replay ${row.replayMs ? three(row.replayMs) : "–"} ms, ` +
    `latency ${three(row.latencyMs)} ms, away ${three(row.awayMs)} ms, ${row.outages} outages`;
}
