/**
 * What every adapter, store of histories or presence, and transport has to keep, as cases that any test runner can run: it
 * imports none, and needs nothing but the web platform.
 *
 * @example The suite for an adapter, here run without a test runner
 * ```ts
 * import { adapterConformance } from "@trunkline/hub/conformance";
 * import { createMemoryAdapter, createMemoryBus } from "@trunkline/hub/adapters/memory";
 *
 * const bus = createMemoryBus();
 * const cases = adapterConformance({ create: ({ prefix }) => createMemoryAdapter({ bus, prefix }) });
 * for (const { skip, run } of cases) if (!skip) await run();
 * ```
 *
 * @example And with one
 * ```ts ignore
 * for (const { name, skip, run } of cases) Deno.test({ name, ignore: skip !== undefined, fn: run });
 * ```
 *
 * @module
 */

import { callback, count, flag, having, list, ms, text } from "../contract/options/option_kinds.ts";
import { bag, optional, readOptions, type Rows } from "../contract/options/read_options.ts";
import { deliveryCases } from "./adapter/delivery.ts";
import { faultCases, refusalCases } from "./adapter/faults.ts";
import { isolationCases } from "./adapter/isolation.ts";
import { lifecycleCases } from "./adapter/lifecycle.ts";
import type { AdapterCaseBody, AdapterSetup, BackplaneFaults, Refusal, Skip } from "./adapter/setup.ts";
import { Stage } from "./adapter/stage.ts";
import { subscriptionCases } from "./adapter/subscriptions.ts";
import { appendingCases } from "./history/appending.ts";
import { readingCases } from "./history/reading.ts";
import type { HistoryStoreSetup } from "./history/setup.ts";
import { StoreStage } from "./history/stage.ts";
import { leaseCases } from "./presence/leases.ts";
import { readingCases as presenceReadingCases } from "./presence/reading.ts";
import type { PresenceStoreSetup } from "./presence/setup.ts";
import { PresenceStage } from "./presence/stage.ts";
import { writingCases } from "./presence/writing.ts";
import { closingCases } from "./transport/closing.ts";
import { framesCases } from "./transport/frames.ts";
import { openingCases } from "./transport/opening.ts";
import type { TransportSetup } from "./transport/setup.ts";
import { LinkStage } from "./transport/stage.ts";

export type {
  AdapterCaseBody,
  AdapterSetup,
  AdapterWithClient,
  BackplaneFaults,
  Refusal,
  Skip,
} from "./adapter/setup.ts";
export type { HistoryStoreSetup } from "./history/setup.ts";
export type { PresenceStoreSetup } from "./presence/setup.ts";
export type { RunningTransport, TransportSetup } from "./transport/setup.ts";

const skip = bag(
  {
    case: text,
    reason: text,
    instead: optional(having<AdapterCaseBody>("a case with a name and run()", "run")),
  } satisfies Rows<Skip>,
);

const refusal = bag(
  {
    name: text,
    mentions: list(text),
    secrets: list(text),
    create: callback<Refusal["create"]>(),
  } satisfies Rows<
    Refusal
  >,
);

const ADAPTER_SETUP = {
  create: callback<AdapterSetup["create"]>(),
  injectForeign: optional(callback<NonNullable<AdapterSetup["injectForeign"]>>()),
  createWithClient: optional(callback<NonNullable<AdapterSetup["createWithClient"]>>()),
  faults: optional(having<BackplaneFaults>("faults with start() and stop()", "start", "stop")),
  refusals: optional(list(refusal)),
  skip: optional(list(skip)),
  waitMs: optional(ms()),
  seed: optional(count({ min: 0 })),
} satisfies Rows<AdapterSetup>;

const STORE_SETUP = {
  create: callback<HistoryStoreSetup["create"]>(),
  tellsAge: optional(flag),
  skip: optional(list(skip)),
  waitMs: optional(ms()),
  ttlMs: optional(ms()),
} satisfies Rows<HistoryStoreSetup>;

const PRESENCE_SETUP = {
  create: callback<PresenceStoreSetup["create"]>(),
  forget: optional(callback<NonNullable<PresenceStoreSetup["forget"]>>()),
  skip: optional(list(skip)),
  waitMs: optional(ms()),
  ttlMs: optional(ms()),
} satisfies Rows<PresenceStoreSetup>;

const TRANSPORT_SETUP = {
  start: callback<TransportSetup["start"]>(),
  address: optional((value, place) => value === null ? null : text(value, place)),
  skip: optional(list(skip)),
  waitMs: optional(ms()),
} satisfies Rows<TransportSetup>;

/** One behaviour to show, for a test runner. */
export interface ConformanceCase {
  /** The behaviour. */
  readonly name: string;
  /** Why it does not run, if it does not: the setup's own reason, or what the setup lacks. */
  readonly skip?: string;
  /** Makes its nodes, rejects when the behaviour does not hold, and cleans up. Cases run one after another. */
  run(): Promise<void>;
}

/**
 * The suite for adapters. Every case opens nodes of its own under a prefix of its own, and closes them.
 *
 * @param setup What the suite has to know about the adapter.
 * @returns The cases, in the order in which to run them.
 * @throws {TypeError} If the setup skips a case that does not exist, or is not one.
 */
export function adapterConformance(setup: AdapterSetup): ConformanceCase[] {
  readOptions("adapterConformance", setup, ADAPTER_SETUP);
  const definitions = [
    ...lifecycleCases,
    ...deliveryCases,
    ...subscriptionCases,
    ...isolationCases,
    ...refusalCases(setup),
    ...faultCases,
  ];
  return toCases(definitions, setup.skip, () => new Stage(setup), ({ needs }) => needs?.(setup));
}

/**
 * The suite for stores of histories; see `HistoryStore`. Every case uses a prefix of its own.
 *
 * @param setup What the suite has to know about the store.
 * @returns The cases, in the order in which to run them.
 * @throws {TypeError} If the setup skips a case that does not exist, or is not one.
 *
 * @example
 * ```ts
 * import { historyStoreConformance } from "@trunkline/hub/conformance";
 * import { createMemoryHistory, type MemoryHistory } from "@trunkline/hub/adapters/memory-history";
 *
 * const stores = new Map<string, MemoryHistory>();
 * const cases = historyStoreConformance({
 *   create({ prefix }) {
 *     const store = stores.get(prefix) ?? createMemoryHistory();
 *     stores.set(prefix, store);
 *     return store;
 *   },
 * });
 * for (const { skip, run } of cases) if (!skip) await run();
 * ```
 */
export function historyStoreConformance(setup: HistoryStoreSetup): ConformanceCase[] {
  readOptions("historyStoreConformance", setup, STORE_SETUP);
  return toCases([...appendingCases, ...readingCases], setup.skip, () => new StoreStage(setup));
}

/**
 * The suite for stores of presence; see `PresenceStore`. Every case uses a prefix of its own.
 *
 * @param setup What the suite has to know about the store.
 * @returns The cases, in the order in which to run them.
 * @throws {TypeError} If the setup skips a case that does not exist, or is not one.
 *
 * @example
 * ```ts
 * import { presenceStoreConformance } from "@trunkline/hub/conformance";
 * import { createMemoryPresence, type MemoryPresence } from "@trunkline/hub/adapters/memory-presence";
 *
 * const stores = new Map<string, MemoryPresence>();
 * const cases = presenceStoreConformance({
 *   ttlMs: 50,
 *   create({ prefix }) {
 *     const store = stores.get(prefix) ?? createMemoryPresence();
 *     stores.set(prefix, store);
 *     return store;
 *   },
 *   forget: ({ prefix }) => stores.get(prefix)?.clear(),
 * });
 * for (const { skip, run } of cases) if (!skip) await run();
 * ```
 */
export function presenceStoreConformance(setup: PresenceStoreSetup): ConformanceCase[] {
  readOptions("presenceStoreConformance", setup, PRESENCE_SETUP);
  const definitions = [...writingCases, ...presenceReadingCases, ...leaseCases];
  return toCases(definitions, setup.skip, () => new PresenceStage(setup), ({ needs }) => needs?.(setup));
}

/**
 * The suite for transports: every case starts the transport with a hub of its own, opens links, and closes them.
 *
 * @param setup What the suite has to know about the transport.
 * @returns The cases, in the order in which to run them.
 * @throws {TypeError} If the setup skips a case that does not exist, or is not one.
 *
 * @example
 * ```ts
 * import { transportConformance } from "@trunkline/hub/conformance";
 * import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
 *
 * const cases = transportConformance({
 *   start(acceptor) {
 *     const transport = createLoopbackTransport();
 *     transport.attach(acceptor);
 *     return { client: transport.client(), url: "ws://localhost/", close() {} };
 *   },
 * });
 * for (const { skip, run } of cases) if (!skip) await run();
 * ```
 */
export function transportConformance(setup: TransportSetup): ConformanceCase[] {
  readOptions("transportConformance", setup, TRANSPORT_SETUP);
  return toCases([...openingCases, ...framesCases, ...closingCases], setup.skip, () => new LinkStage(setup));
}

/** A case of a suite, whatever it works with. */
interface Definition<S> {
  readonly name: string;
  run(stage: S): Promise<void>;
}

function toCases<S extends { end(): Promise<void> }, D extends Definition<S>>(
  definitions: readonly D[],
  skips: readonly Skip[] = [],
  createStage: () => S,
  lacks: (definition: D) => string | undefined = () => undefined,
): ConformanceCase[] {
  const names = new Set(definitions.map(({ name }) => name));
  for (const { case: name } of skips) {
    if (!names.has(name)) throw new TypeError(`Cannot skip the case "${name}": there is none of that name`);
  }
  return definitions.flatMap((definition) => {
    const { name } = definition;
    const skipped = skips.find((skip) => skip.case === name);
    const reason = skipped?.reason ?? lacks(definition);
    const cases: ConformanceCase[] = [{
      name,
      ...(reason === undefined ? {} : { skip: reason }),
      async run() {
        const stage = createStage();
        try {
          await definition.run(stage);
        } finally {
          await stage.end();
        }
      },
    }];
    if (skipped?.instead) cases.push(skipped.instead);
    return cases;
  });
}
