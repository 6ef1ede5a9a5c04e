import { assert, assertEquals } from "@std/assert";
import { createBroadcastChannelAdapter } from "../../adapters/broadcast_channel/mod.ts";
import { createMemoryAdapter } from "../../adapters/memory.ts";
import { createMemoryHistory } from "../../adapters/memory_history/mod.ts";
import { createMemoryPresence } from "../../adapters/memory_presence/mod.ts";
import { createClient } from "../../client/mod.ts";
import {
  adapterConformance,
  historyStoreConformance,
  presenceStoreConformance,
} from "../../conformance/mod.ts";
import { defineContract } from "../../contract/mod.ts";
import { createHub } from "../../hub/mod.ts";
import { createLoopbackTransport } from "../../transports/loopback.ts";
import { createWebSocketTransport } from "../../transports/websocket/mod.ts";
import { z } from "zod";
import { contract } from "../client/setup.ts";
import { FakeServer } from "../client/fake_server.ts";
import { test } from "../harness.ts";
import { documentedOptions, ODD_VALUES, put } from "./documented_options.ts";

/** Its options of presence would mean nothing otherwise. */
const withPresence = defineContract({ ...contract.definition, presence: { "room/:id": z.object({}) } });

/** A function that takes options, and what each of them takes of the odd values. */
interface Taker {
  readonly owner: string;
  /** Where its options are documented: file, interface, and the option that the interface is the type of. */
  readonly documented: readonly (readonly [path: string, name: string, within?: string])[];
  /** The odd values that an option takes, beside `undefined`; every option has an entry. */
  readonly takes: Readonly<Record<string, readonly string[]>>;
  /** The options that cannot be left out. */
  readonly required: readonly string[];
  /** Calls it with odd options over good ones. */
  call(options: object): unknown;
}

const COUNT_OR_INFINITY = ["1", "2**53", "Infinity"];
const MS = ["1"];
const FUNCTION = ["function"];

const TAKERS: readonly Taker[] = [
  {
    owner: "createClient",
    documented: [
      ["client/options.ts", "ClientOptions"],
      ["client/reconnect.ts", "ReconnectOptions", "reconnect"],
    ],
    required: ["url", "role"],
    takes: {
      url: FUNCTION,
      role: [],
      token: ["null", "text", "function"],
      reconnect: ["object"],
      "reconnect.baseMs": ["0", "0.5", ...MS],
      "reconnect.maxMs": [], // below the default of baseMs
      "reconnect.patientMs": ["0", "0.5", ...MS],
      "reconnect.factor": ["1"],
      "reconnect.maxAttempts": ["0", ...COUNT_OR_INFINITY],
      connectTimeoutMs: MS,
      requestTimeoutMs: MS,
      livenessTimeoutMs: MS,
      offline: ["object"],
      maxPendingRequests: COUNT_OR_INFINITY,
      maxBufferedBytes: ["0", ...COUNT_OR_INFINITY],
      onError: FUNCTION,
      codec: [],
      transport: [],
      lifecycle: FUNCTION,
      clock: [],
      random: FUNCTION,
    },
    call: (options) =>
      createClient(contract, {
        url: "ws://hub.test",
        role: "member",
        transport: new FakeServer(),
        onError: () => {},
        ...options,
      }).close(),
  },
  {
    owner: "createHub",
    documented: [
      ["hub/api/options.ts", "HubBaseOptions"],
      ["hub/api/options.ts", "HubOptions"],
      ["hub/api/options.ts", "HubClusterOptions", "cluster"],
      ["hub/api/limits.ts", "HubLimits", "limits"],
      ["hub/api/limits.ts", "HubOutboxLimits", "limits.outbox"],
      ["hub/api/presence_options.ts", "PresenceBaseOptions", "presence"],
      ["hub/api/presence_options.ts", "PresenceOptions", "presence"],
    ],
    required: ["authenticate"],
    takes: {
      authenticate: FUNCTION,
      transports: [],
      codecs: [],
      adapter: [],
      history: [],
      authorize: ["object"],
      rejoin: FUNCTION,
      presence: ["object"],
      "presence.kind": [],
      "presence.store": [],
      "presence.authorize": ["object"],
      "presence.stateOf": ["object"],
      "presence.leaveAfterMs": ["0", "0.5", ...MS],
      "presence.intervalMs": ["0", "0.5", ...MS],
      "presence.maxListed": ["0", ...COUNT_OR_INFINITY],
      onConnection: FUNCTION,
      onDisconnect: FUNCTION,
      onError: FUNCTION,
      origins: ["function", "list"],
      address: FUNCTION,
      limits: ["object"],
      "limits.maxFrameBytes": [],
      "limits.messagesPerSecond": ["0.5", ...COUNT_OR_INFINITY],
      "limits.messageBurst": COUNT_OR_INFINITY,
      "limits.maxSubscriptions": COUNT_OR_INFINITY,
      "limits.maxPendingRequests": COUNT_OR_INFINITY,
      "limits.maxPendingBytes": COUNT_OR_INFINITY,
      "limits.recoveryBurst": COUNT_OR_INFINITY,
      "limits.maxConnections": COUNT_OR_INFINITY,
      "limits.maxHandshakes": COUNT_OR_INFINITY,
      "limits.maxHandshakesPerAddress": COUNT_OR_INFINITY,
      "limits.maxAuthenticating": COUNT_OR_INFINITY,
      "limits.maxHistoryReads": COUNT_OR_INFINITY,
      "limits.requestIdMs": MS,
      "limits.maxRequestIds": COUNT_OR_INFINITY,
      "limits.maxRequestIdBytes": COUNT_OR_INFINITY,
      "limits.maxConnectionsPerUser": COUNT_OR_INFINITY,
      "limits.maxConnectionsPerAddress": COUNT_OR_INFINITY,
      "limits.handshakeTimeoutMs": MS,
      "limits.maxHistories": COUNT_OR_INFINITY,
      "limits.maxHistoryBytes": COUNT_OR_INFINITY,
      "limits.outbox": ["object"],
      "limits.outbox.maxMessages": COUNT_OR_INFINITY,
      "limits.outbox.maxBytes": COUNT_OR_INFINITY,
      "limits.outbox.highWaterBytes": COUNT_OR_INFINITY,
      "limits.outbox.maxFrameMessages": COUNT_OR_INFINITY,
      slowConsumer: [],
      heartbeatMs: MS,
      cluster: ["object"],
      "cluster.heartbeatMs": MS,
      "cluster.nodeTimeoutMs": [], // less than three heartbeats
      "cluster.requestTimeoutMs": MS,
      "cluster.fastTimeoutMs": MS,
      "cluster.joinTimeoutMs": ["0", "0.5", ...MS],
      startWithoutBackplane: ["true"],
      maxBackplaneDownMs: ["0", "0.5", ...COUNT_OR_INFINITY],
      backplaneTimeoutMs: MS,
      authorizeTimeoutMs: MS,
      requestTimeoutMs: COUNT_OR_INFINITY,
      clock: [],
    },
    call: (options) =>
      createHub(withPresence, {
        authenticate: ({ role }) => ({ role }),
        transports: [createLoopbackTransport()],
        onError: () => {},
        ...options,
      }).close(),
  },
  {
    owner: "createMemoryAdapter",
    documented: [["adapters/memory.ts", "MemoryAdapterOptions"]],
    required: [],
    takes: { bus: [], prefix: ["text"] },
    call: (options) => createMemoryAdapter(options).close(),
  },
  {
    owner: "createMemoryHistory",
    documented: [["adapters/memory_history/mod.ts", "MemoryHistoryOptions"]],
    required: [],
    takes: { maxChannels: COUNT_OR_INFINITY, maxBytes: COUNT_OR_INFINITY, clock: [] },
    call: (options) => createMemoryHistory(options),
  },
  {
    owner: "createMemoryPresence",
    documented: [["adapters/memory_presence/mod.ts", "MemoryPresenceOptions"]],
    required: [],
    takes: { clock: [] },
    call: (options) => createMemoryPresence(options),
  },
  {
    owner: "createBroadcastChannelAdapter",
    documented: [["adapters/broadcast_channel/mod.ts", "BroadcastChannelAdapterOptions"]],
    required: ["prefix"],
    takes: { prefix: ["text"], maxPendingBytes: COUNT_OR_INFINITY, clock: [] },
    call: (options) => createBroadcastChannelAdapter({ prefix: "options", ...options }).close(),
  },
  {
    owner: "createWebSocketTransport",
    documented: [["transports/websocket/mod.ts", "WebSocketTransportOptions"]],
    required: [],
    takes: { perMessageDeflate: ["true"] },
    call: (options) => createWebSocketTransport(options),
  },
  {
    owner: "client",
    documented: [["transports/loopback.ts", "LoopbackClientOptions"]],
    required: [],
    takes: { address: ["text"], headers: ["list", "object"] },
    call: (options) => createLoopbackTransport().client(options),
  },
  {
    owner: "adapterConformance",
    documented: [["conformance/adapter/setup.ts", "AdapterSetup"]],
    required: ["create"],
    takes: {
      create: FUNCTION,
      injectForeign: FUNCTION,
      createWithClient: FUNCTION,
      faults: [],
      refusals: ["list"],
      skip: ["list"],
      waitMs: MS,
      seed: ["0", "1"],
    },
    call: (options) => adapterConformance({ create: () => createMemoryAdapter(), ...options }),
  },
  {
    owner: "historyStoreConformance",
    documented: [["conformance/history/setup.ts", "HistoryStoreSetup"]],
    required: ["create"],
    takes: { create: FUNCTION, tellsAge: ["true"], skip: ["list"], waitMs: MS, ttlMs: MS },
    call: (options) => historyStoreConformance({ create: () => createMemoryHistory(), ...options }),
  },
  {
    owner: "presenceStoreConformance",
    documented: [["conformance/presence/setup.ts", "PresenceStoreSetup"]],
    required: ["create"],
    takes: { create: FUNCTION, forget: FUNCTION, skip: ["list"], waitMs: MS, ttlMs: MS },
    call: (options) => presenceStoreConformance({ create: () => createMemoryPresence(), ...options }),
  },
  {
    owner: "history",
    documented: [["contract/history/history.ts", "HistoryQuery"], [
      "contract/history/history.ts",
      "Published",
      "since",
    ]],
    required: ["since.epoch", "since.offset"],
    takes: {
      since: [],
      "since.epoch": ["text"],
      "since.offset": ["0", "1"],
      limit: ["0", ...COUNT_OR_INFINITY],
      reverse: ["true"],
    },
    call: async (options: { since?: unknown }) => {
      await using hub = createHub(contract, {
        authenticate: ({ role }) => ({ role }),
        transports: [createLoopbackTransport()],
      });
      const isPart = Object.keys(options.since ?? {}).length > 0 && !Array.isArray(options.since);
      const since = isPart ? { epoch: "e", offset: 1, ...options.since as object } : options.since;
      await hub.history("ticker/ACME", ("since" in options ? { since } : options) as never);
    },
  },
  {
    owner: "close",
    documented: [["hub/api/hub.ts", "HubCloseOptions"], [
      "contract/options/close_options.ts",
      "CloseOptions",
    ]],
    required: [],
    takes: { drainMs: ["0", "0.5", "1"], code: [], reason: ["text"] },
    call: async (options) => {
      await using hub = createHub(contract, {
        authenticate: ({ role }) => ({ role }),
        transports: [createLoopbackTransport()],
      });
      await hub.close(options);
    },
  },
];

for (const { owner, documented, required, takes, call } of TAKERS) {
  test(`${owner} accepts its documented options and refuses all others, by name`, async () => {
    const options = (await Promise.all(documented.map(async ([path, name, within]) => {
      const found = await documentedOptions(path, name);
      return found.map((option) => within ? `${within}.${option}` : option);
    }))).flat();
    const known = Object.keys(takes);
    if (documented.length > 0) {
      assertEquals(options.sort(), known.sort(), "every documented option is in the table");
    }
    for (const option of known) {
      const taken: string[] = [];
      for (const [name, value] of Object.entries(ODD_VALUES)) {
        try {
          await call(put(option, value));
          taken.push(name);
        } catch (error) {
          assert(error instanceof TypeError || error instanceof RangeError, `${option}: ${name}: ${error}`);
          const last = option.split(".").at(-1)!;
          assert(
            error.message.startsWith("Cannot ") && error.message.includes(last),
            `${option}: ${name}: ${error}`,
          );
        }
      }
      const absent = required.includes(option) ? [] : ["undefined"];
      assertEquals(taken.sort(), [...absent, ...takes[option]!].sort(), option);
    }
  });

  test(`${owner} refuses an option that it does not have`, async () => {
    for (const option of Object.keys(takes)) {
      const misspelt = option.slice(0, -1) + "_";
      let thrown: unknown;
      try {
        await call(put(misspelt, undefined));
      } catch (error) {
        thrown = error;
      }
      const last = option.split(".").at(-1)!;
      assert(thrown instanceof TypeError, `${misspelt}: ${thrown}`);
      assert(
        thrown.message.includes(`Cannot use ${misspelt} of ${owner}`) && thrown.message.includes(`"${last}"`),
        `${thrown}`,
      );
    }
  });
}
