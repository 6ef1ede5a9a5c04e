/**
 * `createHub`: makes the parts of a hub and connects them.
 *
 * @module
 */

import { createMemoryHistory } from "../adapters/memory_history/mod.ts";
import { type Contract, type ContractDefinition, guardReports, HubError } from "../contract/mod.ts";
import { checkContract } from "../contract/options/read_options.ts";
import type { Transport } from "../transports/transport.ts";
import { AppCalls } from "./connection/app_calls.ts";
import { Backplane } from "./backplane/backplane.ts";
import { Bus } from "./nodes/bus.ts";
import { createCluster } from "./directory/cluster.ts";
import { ClusterListeners } from "./nodes/cluster_listeners.ts";
import { own, owning } from "./connection/own_errors.ts";
import type { Connection } from "./connection/connection.ts";
import { Successors } from "./connection/successors.ts";
import { connectionId } from "./connection/connection_id.ts";
import { Directory } from "./directory/directory.ts";
import { Events } from "./groups/events.ts";
import { RoomRequests } from "./directory/room_requests.ts";
import { findConnections } from "./directory/find_connections.ts";
import { keptApart, sharedStore } from "./topics/shared_store.ts";
import { type GivenHandlers, HandlerTable } from "./session/handler_table.ts";
import { Authentications } from "./session/admission/authentications.ts";
import { Gate } from "./session/gate.ts";
import { KeptRooms } from "./session/rooms/kept_rooms.ts";
import { RoomLogs } from "./session/rooms/room_logs.ts";
import { Middlewares } from "./session/middleware/middlewares.ts";
import { KeyedLimit } from "./session/limits.ts";
import { Once } from "./session/once/once.ts";
import { readHubOptions } from "./read_hub_options.ts";
import { Lifecycle } from "./lifecycle.ts";
import { Nodes } from "./nodes/nodes.ts";
import type { FirstStates, GivenHubOptions, PlaceVerdicts, TopicVerdicts } from "./api/given_options.ts";
import type { Presences } from "./presence/presences.ts";
import { NodeRequests } from "./nodes/node_requests.ts";
import { Refusals } from "./session/admission/refusals.ts";
import { Reception } from "./session/reception.ts";
import { refuseOptions } from "./groups/no_options.ts";
import { perRole } from "./groups/read_role.ts";
import { Registry } from "./groups/registry.ts";
import { createRoomForm } from "./groups/room_records.ts";
import { Rooms } from "./groups/rooms.ts";
import { createPresence } from "./create_presence.ts";
import { createRoutes } from "./http/routes.ts";
import type { Session } from "./session/session.ts";
import { readStats } from "./stats.ts";
import { targetCalls } from "./target_calls.ts";
import { publishCalls, type PublishOn, roomName, topicCalls } from "./topic_calls.ts";
import { Catalog } from "./topics/catalog.ts";
import { withHistory } from "./topics/histories.ts";
import { publish } from "./topics/publish.ts";
import { Topics } from "./topics/topics.ts";
import type { HubUser } from "./api/connection.ts";
import type { Hub } from "./api/hub.ts";

/**
 * Makes a hub: the server's side of a contract, in one process. It opens its adapter at once; see `ready`.
 *
 * @param contract What clients and servers may say to each other; see {@linkcode defineContract}.
 * @param options How clients reach the hub, which of them it accepts, and how it reaches other nodes.
 * @throws {TypeError} When `contract` is not a contract, or an option is unknown or of the wrong type. Also when
 * `authorize` has a rule for a topic that is not in the contract.
 * @throws {RangeError} When a number is out of its range.
 *
 * @example One hub, one client, one process
 * ```ts
 * import { createClient, createHub, defineContract } from "@trunkline/hub";
 * import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
 * import { assertEquals } from "@std/assert";
 * import { z } from "zod";
 *
 * const contract = defineContract({
 *   roles: { member: { clientToServer: { add: { input: z.array(z.number()), output: z.number() } } } },
 * });
 * const loopback = createLoopbackTransport();
 * await using hub = createHub(contract, {
 *   authenticate: ({ role }) => ({ role }),
 *   transports: [loopback], // leave it out to serve WebSockets: app.route("/realtime", hub.routes)
 * });
 * hub.implement({ member: { add: (numbers) => numbers.reduce((a, b) => a + b, 0) } });
 * await hub.ready;
 *
 * await using client = createClient(contract, {
 *   url: "ws://loopback",
 *   role: "member",
 *   transport: loopback.client(),
 * });
 * assertEquals(await client.request("add", [1, 2, 3]), 6);
 * ```
 */
export function createHub<
  D extends ContractDefinition,
  User extends HubUser | undefined = HubUser | undefined,
  Ctx = undefined,
  O extends object = object,
  Topics extends object = TopicVerdicts<D>,
  Back = boolean | Promise<boolean>,
  Presence extends object = object,
  Places extends object = PlaceVerdicts<D>,
  const States extends object = Partial<FirstStates<D>>,
>(
  contract: Contract<D>,
  options: GivenHubOptions<D, User, Ctx, O, Topics, Back, Presence, Places, States>,
): Hub<D, User, Ctx> {
  // The parts work with names and unknown values, which they check. Here they get their types back.
  return assemble(contract as unknown as Contract, options) as unknown as Hub<D, User, Ctx>;
}

/** How many pages of histories the hub reads in one turn of the event loop: a few milliseconds of work. */
const READS_PER_TURN = 8;

/** How many subscribes of all clients begin in one turn: thousands come at once after a reconnect. */
const SUBSCRIBES_PER_TURN = 64;

/** The hub's own members, without their types. */
type UntypedHub = { readonly [K in keyof Hub<ContractDefinition>]: unknown };

function assemble(contract: Contract, given: unknown): UntypedHub {
  checkContract("createHub", contract);
  const options = readHubOptions(contract, given);
  const { adapter, backplaneTimeoutMs, clock, heartbeatMs, limits, maxBackplaneDownMs } = options;
  const { authorizeTimeoutMs, requestTimeoutMs, startWithoutBackplane, transports } = options;
  const { requestTimeoutMs: clusterTimeoutMs, fastTimeoutMs } = options.cluster;
  const nodeId = crypto.randomUUID();
  const onError = guardReports(options.onError);
  const calls = new AppCalls(clock, onError);

  const backplane = new Backplane({
    adapter,
    nodeId,
    subscribeTimeoutMs: backplaneTimeoutMs,
    clock,
    onError,
    onStatus: (status) => {
      presence?.source.reachable(status === "up");
      lifecycle.backplaneIs(status);
    },
    onGap: (channels) => {
      topics.histories.missed(channels);
      presence?.missed(channels);
    },
    onNodeGone: (id) => nodes.ended(id),
    onHeard: (id) => nodes.heard(id),
    dispensable: startWithoutBackplane,
  });
  const presence = createPresence({
    contract,
    settings: options.presence,
    maxListedBytes: limits.outbox.maxBytes,
    backplane,
    nodeId,
    clock,
    heartbeatMs: options.cluster.heartbeatMs,
    nodeTimeoutMs: options.cluster.nodeTimeoutMs,
    storeTimeoutMs: backplaneTimeoutMs,
    startWithoutBackplane,
    topicChannel: (name, role) => topics.find(name, role).channel,
    find: (id) => find(id),
    left: (place, conn) => connections.get(conn.id)?.left(place.channel),
    onError,
  });
  const registry = new Registry(backplane.interest, {
    attendanceOf: presence && ((group) => presence.attendances.ofGroup(group)),
    onReleased: (group) => topics.histories.released(group),
  });
  const connections = new Map<string, Session>();
  const find = (id: string): Connection | undefined => connections.get(id)?.conn;
  const successors = new Successors();
  const catalog = new Catalog(contract, createRoomForm((id) => find(id) ?? find(successors.of(id))));
  const events = new Events({
    contract,
    registry,
    backplane,
    find,
    checkPlain: catalog.hasRooms
      ? (channel, from) => {
        const kept = withHistory(catalog.byChannel(channel));
        if (kept) topics.histories.refused(kept, from);
      }
      : undefined,
  });
  const { maxHistories, maxHistoryBytes: maxBytes } = limits;
  const shared = sharedStore(options.history, adapter);
  const topics = new Topics({
    catalog,
    registry,
    backplane,
    clock,
    nodeId,
    maxHistories,
    storeTimeoutMs: backplaneTimeoutMs,
    shared,
    apart: keptApart(contract, options.history, adapter),
    ownStore: () => createMemoryHistory({ maxChannels: maxHistories, maxBytes, clock }),
    onError,
  });
  const nodeRequests = new NodeRequests({
    backplane,
    clock,
    isSuspect: (id) => nodes.isSuspect(id),
    messagesOf: (id) => nodes.messagesOf(id),
    onError: (error, name) => onError(error, { stage: "handler", name }),
  });
  const listeners = new ClusterListeners(onError);
  const nodes = new Nodes({
    backplane,
    nodeId,
    clock,
    ...options.cluster,
    connections: () => connections.size,
    emit: (event, value) => {
      if (event === "join") presence?.source.join(value.id);
      if (event === "leave") {
        nodeRequests.left(value.id);
        presence?.source.leave(value.id);
      }
      if (event === "state" && value.state === "suspect") nodeRequests.suspected(value.id);
      listeners.emit(event, value);
    },
  });
  const bus = new Bus({
    contract,
    backplane,
    nodes,
    nodeRequests,
    timeoutMs: clusterTimeoutMs,
    fastTimeoutMs,
    onError,
  });
  const directory = new Directory({ backplane, nodes, nodeRequests, events, requestTimeoutMs, find });
  const roomRequests = new RoomRequests({ nodes, nodeRequests, events, registry, requestTimeoutMs, onError });
  const membersOf = (room: string) => cluster.connections({ room });
  const handlers = new HandlerTable(contract);
  const middlewares = new Middlewares({ clock, timeoutMs: authorizeTimeoutMs, onError });
  const once = new Once({
    store: shared,
    solitary: backplane.solitary,
    nodeId,
    clock,
    timeoutMs: backplaneTimeoutMs,
    ttlMs: limits.requestIdMs,
    maxCount: limits.maxRequestIds,
    maxBytes: limits.maxRequestIdBytes,
    isThere: (id) => nodes.has(id),
    onError,
  });
  const users = new KeyedLimit(limits.maxConnectionsPerUser);
  const { maxAuthenticating, maxHistoryReads, handshakeTimeoutMs } = limits;
  const authentications = new Authentications({
    clock,
    max: maxAuthenticating,
    timeoutMs: handshakeTimeoutMs,
  });
  const historyReads = new Gate({ clock, max: maxHistoryReads, perTurn: READS_PER_TURN });
  const rooms = new Rooms({
    registry,
    events,
    calls,
    find,
    membersOf,
    ask: (...args) => roomRequests.request(...args),
    histories: catalog.hasRooms ? new RoomLogs(topics, events) : undefined,
    entrance: new KeptRooms({ topics, registry, successors, reads: historyReads, clock, onError }),
  });
  const refusals = new Refusals(clock, onError);
  let lastConnection = 0;
  const reception = new Reception({
    contract,
    calls,
    options,
    limits,
    nodeId,
    heartbeatMs,
    requestTimeoutMs,
    authorizeTimeoutMs,
    handlers,
    middlewares,
    once,
    topics,
    registry,
    presence: presence && {
      places: presence.places,
      attendances: presence.attendances,
      watchers: presence.watchers,
      source: presence.source,
      rules: options.presence.authorize,
    },
    users,
    authentications,
    subscribes: new Gate({ clock, max: Infinity, perTurn: SUBSCRIBES_PER_TURN }),
    historyReads,
    refusals,
    addToRoom: (room, conn) => rooms.add(room, conn),
    nextId: () => connectionId(nodeId, ++lastConnection),
    onError,
  }, connections);
  const lifecycle = new Lifecycle({
    backplane,
    nodes,
    nodeRequests,
    reception,
    calls,
    refusals,
    handlers,
    once,
    topics,
    events,
    presence,
    joinTimeoutMs: options.cluster.joinTimeoutMs,
    clock,
    nodeId,
    listeners,
    backplaneTimeoutMs,
    maxBackplaneDownMs,
    startWithoutBackplane,
    onError,
  });
  const cluster = createCluster({
    calls,
    nodeId,
    nodes,
    nodeRequests,
    listeners,
    clock,
    timeoutMs: clusterTimeoutMs,
    fastTimeoutMs,
    backplane: () => backplane.status,
    find: (query) =>
      findConnections(query, { sessions: connections, members: (group) => registry.members(group) }),
    join: (conn, room) => rooms.add(room, conn),
    leave: (conn, room) => rooms.remove(room, conn),
  });
  for (const transport of transports) reception.attach(transport);
  const routes = createRoutes(transports, () => lifecycle.health(connections.size), onError);
  const publishOn: PublishOn = (topic, payload, options) => publish(calls, topics, topic, payload, options);
  const forRole = perRole(contract, (role) => ({
    ...topics.reader(calls, role),
    ...publishCalls(contract, topics, publishOn, role),
    emit(name: string, payload: unknown, options?: unknown) {
      refuseOptions(options);
      owning(() => events.toRole(role, name, payload));
    },
  }));
  lifecycle.start();

  return {
    nodeId,
    get ready() {
      return lifecycle.ready;
    },
    routes,
    cluster,
    get websocket() {
      return bunHandler(transports);
    },
    implement: (given: GivenHandlers, options?: unknown) => handlers.implement(given, options),
    use: (given: unknown) => middlewares.use(given),
    room: (name: string, params?: unknown) => rooms.room(roomName(name, params)),
    rooms: (names: readonly string[]) => rooms.rooms(names),
    ...topicCalls(calls, contract, topics, publishOn),
    presence(place: Parameters<Presences["of"]>[0]) {
      if (presence) return owning(() => presence.of(place));
      throw own(new HubError("NOT_FOUND", "The contract keeps no presence: declare `presence` in it"));
    },
    forRole,
    ...targetCalls(calls, events, directory),
    emitServer: (name: string, payload: unknown) => owning(() => bus.emit(name, payload)),
    onServer: (name: string, listener: Parameters<Bus["on"]>[1]) => owning(() => bus.on(name, listener)),
    requestServers: (name: string, input: unknown, options?: Parameters<Bus["request"]>[2]) =>
      calls.run(name, () => bus.request(name, input, options), options),
    stats: () =>
      readStats({
        connections,
        reception,
        authentications,
        historyReads,
        registry,
        backplane,
        nodeRequests,
        once,
        topics,
        presence,
        users,
        refusals,
      }),
    close: (options?: unknown) => lifecycle.close(options),
    [Symbol.asyncDispose]: () => lifecycle.close(),
  };
}

function bunHandler(transports: readonly Transport[]): object {
  for (const { websocket } of transports) if (websocket) return websocket;
  throw new TypeError("Cannot give Bun a websocket handler: none of the hub's transports needs one");
}
