/**
 * Draws a run: a lane for each seat, what went wrong as spans, what users did as ticks, whose view differed from the
 * truth, and the moment from which all were true.
 *
 * @module
 */

import { escape, svg } from "../../bench/svg.ts";
import { describeFault } from "./describe_fault.ts";
import { type Fault, type FaultKind, seatsOf } from "./faults.ts";
import type { Scenario } from "./scenario.ts";
import type { Outcome } from "./simulate.ts";
import { TIMES } from "./system.ts";
import { describeOperation } from "./workload.ts";

const WIDTH = 1_400;
const LEFT = 70;
const RIGHT = 20;
const TOP = 92;
const BAND = 70;

/** The name of each kind of fault in the legend, and its colour, which is readable on light and on dark. */
const KINDS: Readonly<Record<FaultKind, readonly [name: string, color: string]>> = {
  late: ["starts late", "#94a3b8"],
  crash: ["crashed", "#64748b"],
  goodbye: ["closed", "#a8a29e"],
  freeze: ["frozen", "#3b82f6"],
  slow: ["slow", "#8b5cf6"],
  partition: ["cut off both ways", "#d97706"],
  cut: ["cut one way", "#db2777"],
  outage: ["no backplane", "#dc2626"],
  gap: ["gap, told", "#92633a"],
  delay: ["delayed", "#0d9488"],
  noise: ["noise", "#65a30d"],
  store: ["no store", "#b45309"],
  forget: ["store forgets", "#7f1d1d"],
};

const STYLE =
  "<style>svg{background:#fff}.lane{stroke:#8c959f;stroke-width:1}.quiet{stroke:#8c959f;stroke-dasharray:4 4}" +
  ".put{stroke:#15803d}.drop{stroke:#b91c1c}.end{stroke:#000}.differs{fill:#f97316}.true{stroke:#16a34a;stroke-width:2}" +
  ".broken{stroke:#e11d48;stroke-width:2}.span{opacity:.8}.on{fill:#fff;font-size:9px}.small{font-size:10px}" +
  "@media(prefers-color-scheme:dark){svg{background:#0d1117}.end{stroke:#fff}.put{stroke:#4ade80}.drop{stroke:#f87171}}</style>";

/** The data of a drawing. */
export interface Drawn {
  /** The tested system. */
  readonly system: string;
  /** The events. */
  readonly scenario: Scenario;
  /** The result. */
  readonly outcome: Outcome;
}

interface Span {
  readonly fault: Fault;
  readonly from: number;
  readonly until: number;
}

/** Draws a run. */
export function drawTimeline({ system, scenario, outcome }: Drawn): string {
  const { nodes, quietAt, network, seed, wire } = scenario;
  const { endedAt: endAt } = outcome;
  const row = nodes > 60 ? 10 : nodes > 24 ? 14 : 22;
  const bottom = TOP + (nodes + 1) * row;
  const height = bottom + BAND + 46;
  const x = (ms: number) => round(LEFT + Math.min(ms, endAt) / endAt * (WIDTH - LEFT - RIGHT));
  const y = (seat: number) => TOP + (seat + 1) * row;
  const title =
    `${system}, seed ${seed}: ${nodes} nodes, ${network} network${wire ? ", real backplane" : ""}, ` +
    `${scenario.faults.length} ${scenario.faults.length === 1 ? "fault" : "faults"}`;
  const content = [
    STYLE,
    text(LEFT, 22, title, 'font-weight="600" font-size="16"'),
    text(LEFT, 42, verdict(outcome, scenario)),
    legend(scenario),
    axis(x, bottom + BAND, endAt, TOP),
    text(LEFT - 8, TOP + row * 0.75, "network", 'class="small" text-anchor="end"'),
    ...laneSpans(scenario.faults.filter((fault) => seatsOf(fault).length === 0), endAt)
      .map(({ span, part, parts }) => box(span, x, TOP + part * (row - 3) / parts, (row - 3) / parts)),
    ...Array.from({ length: nodes }, (_, seat) => lane(seat, { scenario, outcome, x, y: y(seat), row })),
    band(outcome, nodes, x, bottom),
    line(x(quietAt), TOP, x(quietAt), bottom + BAND, "quiet"),
    text(x(quietAt) + 4, bottom + BAND - 4, "quiet", 'class="small"'),
    marker(outcome, x, bottom),
  ].join("");
  return svg({ width: WIDTH, height, label: `${title}. ${verdict(outcome, scenario)}`, content });
}

function verdict({ violation, convergedAt, delivered, lost }: Outcome, { quietAt }: Scenario): string {
  const messages = `${delivered} messages delivered, ${lost} lost`;
  if (violation) return `Broken at ${violation.at} ms: ${violation.error.message}. ${messages}`.slice(0, 190);
  return `All views are true from ${convergedAt} ms on, ${
    convergedAt! - quietAt
  } ms after the last fault. ${messages}`;
}

/** The kinds that the drawing shows, in rows of as many as fit. */
function legend({ faults, operations }: Scenario): string {
  const kinds = [...new Set(faults.map(({ kind }) => kind))];
  let at = LEFT;
  const items: string[] = [];
  const item = (name: string, mark: (x: number) => string) => {
    items.push(mark(at), text(at + 18, 70, name, 'class="small"'));
    at += 30 + name.length * 5.3;
  };
  for (const kind of kinds) {
    const [name, color] = KINDS[kind];
    item(name, (x) => `<rect x="${x}" y="61" width="13" height="10" rx="2" fill="${color}" class="span"/>`);
  }
  item("view differs from the truth", (x) => `<rect x="${x}" y="67" width="13" height="4" class="differs"/>`);
  if (operations.length === 0) return items.join("");
  const tick = (kind: string) => (x: number) => line(x + 6, 61, x + 6, 71, kind);
  item("enters, or new state", tick("put"));
  item("leaves", tick("drop"));
  item("connection ends", tick("end"));
  return items.join("");
}

interface LaneScene {
  readonly scenario: Scenario;
  readonly outcome: Outcome;
  readonly x: (ms: number) => number;
  readonly y: number;
  readonly row: number;
}

/** A seat: when it lived, what befell it, what its users did, when its view was wrong. */
function lane(seat: number, { scenario, outcome, x, y, row }: LaneScene): string {
  const { faults, operations } = scenario;
  const { endedAt: endAt } = outcome;
  const inner = row - 4;
  const parts: string[] = [
    text(LEFT - 8, y + row * 0.7, `n${String(seat).padStart(2, "0")}`, 'class="small" text-anchor="end"'),
  ];
  for (const { id, from, until } of outcome.lifetimes.filter((life) => life.seat === seat)) {
    const middle = round(y + row / 2);
    parts.push(titled(line(x(from), middle, x(Math.min(until, endAt)), middle, "lane"), id));
  }
  const own = faults.filter((fault) => seatsOf(fault).includes(seat));
  for (const { span, part, parts: count } of laneSpans(own, endAt)) {
    parts.push(box(span, x, y + part * inner / count, inner / count));
    const { fault, from } = span;
    if (fault.kind === "crash" || fault.kind === "goodbye") {
      const name = fault.kind === "crash" ? "✕" : "●";
      parts.push(titled(text(x(from) - 4, y + row * 0.7, name, 'class="small"'), describeFault(fault)));
    }
  }
  for (const operation of operations.filter((one) => one.seat === seat)) {
    const { at, kind } = operation;
    parts.push(titled(line(x(at), y + 1, x(at), round(y + inner * 0.6), kind), describeOperation(operation)));
  }
  const ids = new Set(outcome.lifetimes.filter((life) => life.seat === seat).map(({ id }) => id));
  for (const [from, until] of wrongTimes(outcome, ids)) {
    parts.push(
      `<rect x="${x(from)}" y="${y + row - 4}" width="${
        round(x(until) - x(from))
      }" height="2.5" class="differs"/>`,
    );
  }
  return parts.join("");
}

/** When the view of one of these nodes differed. */
function wrongTimes({ looks }: Outcome, ids: ReadonlySet<string>): [from: number, until: number][] {
  const times: [number, number][] = [];
  looks.forEach(({ at, differing }, index) => {
    if (!differing.some((id) => ids.has(id))) return;
    const until = looks[index + 1]?.at ?? at;
    const last = times.at(-1);
    if (last?.[1] === at) last[1] = until;
    else times.push([at, until]);
  });
  return times;
}

/** Puts spans that overlap beside each other. */
function laneSpans(faults: readonly Fault[], endAt: number): { span: Span; part: number; parts: number }[] {
  const ends: number[] = [];
  const placed = faults.map((fault) => {
    const { at, ms, kind } = fault;
    const gone = (kind === "crash" || kind === "goodbye") && !fault.back;
    const span: Span = { fault, from: at, until: gone ? endAt : at + ms };
    let part = ends.findIndex((end) => end <= at);
    if (part < 0) part = ends.length;
    ends[part] = span.until;
    return { span, part };
  });
  return placed.map((one) => ({ ...one, parts: ends.length }));
}

function box({ fault, from, until }: Span, x: (ms: number) => number, y: number, height: number): string {
  const [name, color] = KINDS[fault.kind];
  const width = Math.max(2, round(x(until) - x(from)));
  const rect = `<rect x="${x(from)}" y="${round(y)}" width="${width}" height="${
    round(height)
  }" rx="2" fill="${color}" class="span"/>`;
  const label = width > name.length * 5.5 + 6 && height >= 9
    ? text(x(from) + 4, round(y + height / 2 + 3.2), name, 'class="on"')
    : "";
  return titled(rect + label, describeFault(fault));
}

/** How many views differed, over time. */
function band({ looks }: Outcome, nodes: number, x: (ms: number) => number, top: number): string {
  const scale = (BAND - 24) / nodes;
  const base = top + BAND - 14;
  const bars = looks.map(({ at, differing }, index) => {
    const until = looks[index + 1]?.at ?? at;
    const height = round(differing.length * scale);
    return differing.length === 0 ? "" : titled(
      `<rect x="${x(at)}" y="${round(base - height)}" width="${
        round(x(until) - x(at))
      }" height="${height}" class="differs"/>`,
      `${at} ms: ${differing.length} views differ from the truth`,
    );
  });
  return text(LEFT - 8, base, "differing", 'class="small" text-anchor="end"') +
    text(LEFT - 8, base - BAND + 34, String(nodes), 'class="small" text-anchor="end"') +
    line(LEFT, base, WIDTH - RIGHT, base, "grid") + bars.join("");
}

function marker({ violation, convergedAt }: Outcome, x: (ms: number) => number, bottom: number): string {
  const at = violation?.at ?? convergedAt;
  if (at === undefined) return "";
  const end = x(at) > WIDTH - 200;
  const place = `class="small" text-anchor="${end ? "end" : "start"}" font-weight="600"`;
  return line(x(at), TOP - 6, x(at), bottom + BAND, violation ? "broken" : "true") +
    text(
      x(at) + (end ? -4 : 4),
      TOP - 6,
      violation ? `broken at ${at} ms` : `all true from ${at} ms on`,
      place,
    );
}

function axis(x: (ms: number) => number, y: number, endAt: number, top: number): string {
  const marks: string[] = [];
  for (let ms = 0; ms <= endAt; ms += TIMES.heartbeatMs) {
    marks.push(line(x(ms), top, x(ms), y + 4, "grid"));
    marks.push(text(x(ms), y + 18, String(ms / 1_000), 'class="small" text-anchor="middle"'));
  }
  const label = `seconds; a heartbeat is ${TIMES.heartbeatMs} ms, the node timeout ${TIMES.nodeTimeoutMs} ms`;
  return marks.join("") + text(LEFT, y + 36, label, 'class="small"');
}

const round = (value: number): number => Math.round(value * 10) / 10;

const text = (x: number, y: number, content: string, attributes = ""): string =>
  `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escape(content)}</text>`;

const line = (x1: number, y1: number, x2: number, y2: number, kind: string): string =>
  `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${kind}"/>`;

const titled = (content: string, title: string): string => `<g><title>${escape(title)}</title>${content}</g>`;
