/**
 * `createEmitter`: sends to clients without a hub.
 *
 * @module
 */

import { createMemoryHistory } from "../adapters/memory_history/mod.ts";
import { checkContract, optional, or, readOptions, type Rows } from "../contract/options/read_options.ts";
import { CLOSE } from "../contract/options/close_options.ts";
import { callback, clock, count, ms } from "../contract/options/option_kinds.ts";
import {
  type CloseOptions,
  type Contract,
  type ContractDefinition,
  guardReports,
  HubError,
  systemClock,
} from "../contract/mod.ts";
import type { Emitter, EmitterOptions } from "./api/emitter.ts";
import { AppCalls } from "./connection/app_calls.ts";
import { own, owning } from "./connection/own_errors.ts";
import { Backplane } from "./backplane/backplane.ts";
import { CLUSTER_CHANNEL, nodeChannel, readName } from "./backplane/channels.ts";
import { adapterOption } from "./backplane/adapter_option.ts";
import { EarlyAdapter } from "./backplane/early_adapter.ts";
import { readClosing } from "./connection/close_arguments.ts";
import { nodeOf } from "./connection/connection_id.ts";
import { readOrder, writeQuery } from "./directory/connection_query.ts";
import { Events } from "./groups/events.ts";
import { refuseOptions } from "./groups/no_options.ts";
import { perRole } from "./groups/read_role.ts";
import { Registry } from "./groups/registry.ts";
import { closeInTime } from "./close_in_time.ts";
import { createRoomForm } from "./groups/room_records.ts";
import { Rooms } from "./groups/rooms.ts";
import { logError } from "./log_error.ts";
import { emitBusEvent } from "./nodes/bus.ts";
import { RoomLogs } from "./session/rooms/room_logs.ts";
import { Catalog } from "./topics/catalog.ts";
import { EarlyStore } from "./topics/early_store.ts";
import { historyOption, sharedStore } from "./topics/shared_store.ts";
import { publish } from "./topics/publish.ts";
import { publishCalls, type PublishOn, roomName } from "./topic_calls.ts";
import { Topics } from "./topics/topics.ts";

const OPTIONS = {
  adapter: adapterOption,
  history: optional(historyOption),
  backplaneTimeoutMs: or(ms(), 10_000),
  maxWaitingBytes: or(count(), 16 * 1024 * 1024),
  onError: or(callback<NonNullable<EmitterOptions["onError"]>>(), logError),
  clock: or(clock, systemClock),
} satisfies Rows<EmitterOptions>;

/**
 * Makes an emitter. It sends to rooms, topics, users and connections of a cluster, with the same types as a hub. Use
 * it in a script, a job or a server that has no clients. The emitter is not a node: it subscribes to nothing and
 * sends no heartbeats, and no node waits for it.
 *
 * It opens its adapter at once. Messages that you send before the adapter is open wait, in order.
 * `await emitter.close()` sends the messages that still wait. When the backplane does not take a message, the call
 * does not throw: `onError` gets the error.
 *
 * @param contract What clients and servers may say: the contract of the hubs.
 * @param options How to reach the hubs.
 * @throws {TypeError} When `contract` is not a contract, an option is unknown or of the wrong type, or the adapter
 * reaches no other node.
 * @throws {RangeError} When a number is out of its range.
 *
 * @example A job that tells a user that it is done
 * ```ts
 * import { createEmitter, createMemoryAdapter, createMemoryBus, defineContract } from "@trunkline/hub";
 * import { z } from "zod";
 *
 * const contract = defineContract({
 *   roles: { member: { serverToClient: { exported: { payload: z.object({ url: z.string() }) } } } },
 * });
 * const bus = createMemoryBus(); // between processes: the adapter that your hubs use
 *
 * await using emitter = createEmitter(contract, { adapter: createMemoryAdapter({ bus }) });
 * emitter.user("ann").emit("exported", { url: "/exports/1.csv" });
 * ```
 */
export function createEmitter<D extends ContractDefinition>(
  contract: Contract<D>,
  options: EmitterOptions,
): Emitter<D> {
  // As in createHub: the parts work with names and unknown values. Here they get their types back.
  return assemble(contract as unknown as Contract, options) as unknown as Emitter<D>;
}

/** The emitter's own members, without their types. */
type UntypedEmitter = { readonly [K in keyof Emitter<ContractDefinition>]: unknown };

function assemble(contract: Contract, given: EmitterOptions): UntypedEmitter {
  checkContract("createEmitter", contract);
  const { clock, backplaneTimeoutMs: timeoutMs, maxWaitingBytes, ...read } = readOptions(
    "createEmitter",
    given,
    OPTIONS,
  );
  if (read.adapter.solitary) {
    throw new TypeError(
      "Cannot emit over an adapter that reaches no other node: give the one that the hubs use",
    );
  }
  const onError = guardReports(read.onError);
  const calls = new AppCalls(clock, onError);
  const nodeId = crypto.randomUUID();
  const early = new EarlyAdapter({ adapter: read.adapter, clock, timeoutMs, maxWaitingBytes });
  const backplane = new Backplane({
    adapter: early,
    nodeId,
    subscribeTimeoutMs: timeoutMs,
    clock,
    early: true,
    onError,
    onStatus: () => {},
    onGap: () => {},
    onNodeGone: () => {},
    onHeard: () => {},
  });
  const registry = new Registry(backplane.interest); // an emitter has no connections
  const find = () => undefined;
  const events = new Events({ contract, registry, backplane, find });
  const shared = sharedStore(read.history, read.adapter);
  const catalog = new Catalog(contract, createRoomForm(find));
  const topics = new Topics({
    catalog,
    registry,
    backplane,
    clock,
    nodeId,
    maxHistories: 1,
    storeTimeoutMs: timeoutMs,
    closeWaitMs: timeoutMs,
    shared: shared && new EarlyStore(shared, early.opened),
    ownStore: () => createMemoryHistory({ maxChannels: 1, clock }),
    onError,
  });
  const histories = catalog.hasRooms ? new RoomLogs(topics, events) : undefined;
  const rooms = new Rooms({ registry, events, calls, find, membersOf: nobody, histories });
  let closing: Promise<void> | undefined;
  let lastOrder = 0;

  const open = async () => {
    await backplane.open();
    await Promise.all([early.opened, topics.open()]);
  };
  const ready = open();
  ready.catch((error) => {
    if (!closing) onError(error, { stage: "open" });
  });

  /** Throws at the call when the emitter is closed. */
  const checkOpen = () => {
    if (closing) throw own(closed());
  };
  /** Runs a call that answers at once, unless the emitter is closed. Its errors are not for clients. */
  const run = (call: () => void): void => {
    checkOpen();
    owning(call);
  };
  /** Why the message cannot be kept; the caller's promise rejects with it. */
  const whyNot = (what: string) => closing ? closed() : shared ? undefined : notShared(what);
  const publishOn: PublishOn = (topic, payload, options) => {
    const why = topic.history && whyNot(`"${topic.name}"`);
    if (why) return calls.run(topic.name, () => Promise.reject(why));
    checkOpen();
    return publish(calls, topics, topic, payload, options);
  };
  const forRole = perRole(contract, (role) => ({
    ...publishCalls(contract, topics, publishOn, role),
    emit(name: string, payload: unknown, options?: unknown) {
      refuseOptions(options);
      run(() => events.toRole(role, name, payload));
    },
  }));
  const close = async () => {
    const how = { clock, timeoutMs, onError };
    await closeInTime("the histories", () => topics.close(), how);
    await closeInTime(`backplane ${backplane.name}`, () => backplane.close(), how);
    calls.close();
  };

  return {
    ready,
    room(given: string, params?: unknown) {
      const name = roomName(given, params);
      const room = rooms.room(name);
      return {
        broadcast(...args: Parameters<typeof room.broadcast>) {
          const why = histories?.keeps(name) && whyNot(`room "${name}"`);
          if (why) return calls.run(name, () => Promise.reject(why));
          checkOpen();
          return room.broadcast(...args);
        },
      };
    },
    rooms(names: readonly string[]) {
      const all = rooms.rooms(names);
      return {
        broadcast(...args: Parameters<typeof all.broadcast>) {
          checkOpen();
          all.broadcast(...args);
        },
      };
    },
    ...publishCalls(contract, topics, publishOn),
    forRole,
    user(id: string) {
      readName(id, "user");
      return {
        emit(name: string, payload: unknown, options?: unknown) {
          refuseOptions(options);
          run(() => events.toUser(id, name, payload));
        },
      };
    },
    connection(id: string) {
      const channel = nodeChannel(nodeOf(readName(id, "connection")));
      return {
        emit(name: string, payload: unknown) {
          run(() => backplane.publish(channel, ["to", id, name, events.parse(name, payload)]));
        },
        close(options?: CloseOptions) {
          run(() => {
            const { code, reason } = readClosing(options);
            backplane.publish(channel, ["shut", id, reason, code]);
          });
        },
      };
    },
    emitServer(name: string, payload: unknown) {
      run(() => emitBusEvent({ contract, backplane }, name, payload));
    },
    disconnect(given: unknown, options?: CloseOptions) {
      run(() => {
        const query = readOrder(given, "disconnect connections");
        const how = readOptions("disconnect", options, CLOSE);
        const channel = query.id === undefined ? CLUSTER_CHANNEL : nodeChannel(nodeOf(query.id));
        // No caller waits for the answers. They go to a channel without listeners.
        backplane.publish(channel, ["ask", ++lastOrder, "cluster:disconnect", {
          query: writeQuery(query),
          room: "",
          ...how,
        }]);
      });
    },
    close: () => closing ??= close(),
    [Symbol.asyncDispose]: () => closing ??= close(),
  };
}

const closed = () => new HubError("UNAVAILABLE", "Cannot emit: the emitter is closed");

function notShared(what: string): HubError {
  return new HubError(
    "UNAVAILABLE",
    `Cannot publish on ${what} with an emitter: each node keeps its own history of it. Give the hubs and the emitter one ` +
      "that they share: createHub(…, { history }) and createEmitter(…, { history })",
  );
}

const nobody = () => Promise.resolve({ connections: [], missing: [] });
