/**
 * The rules that every adapter, history store, presence store and transport has to keep, as test cases. Any test
 * runner can run them: the module imports none, and needs only the web platform.
 *
 * @example The suite for an adapter, without a test runner
 * ```ts
 * import { adapterConformance } from "@trunkline/hub/conformance";
 * import { createMemoryAdapter, createMemoryBus } from "@trunkline/hub/adapters/memory";
 *
 * const bus = createMemoryBus();
 * const cases = adapterConformance({ create: ({ prefix }) => createMemoryAdapter({ bus, prefix }) });
 * for (const { skip, run } of cases) if (!skip) await run();
 * ```
 *
 * @example The same with a test runner
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

/** One behaviour to test, for a test runner. */
export interface ConformanceCase {
  /** The behaviour. */
  readonly name: string;
  /** Why the case is skipped, if it is: the reason that the setup gives, or what the setup lacks. */
  readonly skip?: string;
  /**
   * Makes its nodes, and closes them at the end. Rejects if the behaviour does not hold. Run the cases one after
   * another.
   */
  run(): Promise<void>;
}

/**
 * The suite for adapters. Every case opens its own nodes under its own prefix, and closes them.
 *
 * @param setup The adapter under test, and what the suite may do with it.
 * @returns The cases. Run them in this order.
 * @throws {TypeError} If the setup is not valid, or skips a case that does not exist.
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
 * The suite for history stores; see `HistoryStore`. Every case uses its own prefix.
 *
 * @param setup The store under test, and what the suite needs to know about it.
 * @returns The cases. Run them in this order.
 * @throws {TypeError} If the setup is not valid, or skips a case that does not exist.
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
 * The suite for presence stores; see `PresenceStore`. Every case uses its own prefix.
 *
 * @param setup The store under test, and what the suite needs to know about it.
 * @returns The cases. Run them in this order.
 * @throws {TypeError} If the setup is not valid, or skips a case that does not exist.
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
 * The suite for transports. Every case starts the transport with its own hub, opens links, and closes them.
 *
 * @param setup The transport under test, and what the suite needs to know about it.
 * @returns The cases. Run them in this order.
 * @throws {TypeError} If the setup is not valid, or skips a case that does not exist.
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

/** A case of any of the suites. */
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
    if (!names.has(name)) throw new TypeError(`Cannot skip the case "${name}": there is no such case`);
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
