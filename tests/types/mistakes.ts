/**
 * What people write that is wrong, and what the compiler says to it.
 *
 * @module
 */

/** The common first lines of all files. */
export const PREAMBLE =
  `import { createEmitter, createHub, createMemoryAdapter, defineContract } from "@trunkline/hub";
import { createClient } from "@trunkline/hub/client";
import { presence } from "@trunkline/hub/client/presence";
import * as v from "valibot";
import { z } from "zod";

const Text = z.object({ text: z.string() });
const chat = defineContract({
  shared: {
    serverToClient: { dm: { payload: Text } },
    topics: {
      stats: { payload: z.object({ online: z.number() }) },
      "ticker/:symbol": { payload: z.object({ price: z.number() }), history: { size: 256 } },
    },
  },
  roles: {
    member: {
      clientToServer: {
        say: { input: Text, output: z.object({ id: z.string() }) },
        typing: { payload: z.object({ room: z.string() }) },
      },
      serverToClient: { message: { payload: Text }, confirm: { input: Text, output: z.boolean() } },
    },
    admin: {
      clientToServer: { ban: { input: z.object({ user: z.string() }), output: z.boolean() } },
      serverToClient: { alarm: { payload: z.object({ level: z.number() }) } },
      topics: { audit: { payload: Text } },
    },
  },
  presence: { "room/:id": z.object({ name: z.string() }) },
  rooms: { "chat/:id": { history: { size: 8 } } },
  serverToServer: {
    invalidate: { payload: z.object({ key: z.string() }) },
    load: { input: z.object({}), output: z.object({ conns: z.number() }) },
  },
});
const bare = defineContract({ roles: { guest: {} } });
const authenticate = ({ role }: { role: "member" | "admin" }) => ({ role });
const someone = ({ role }: { role: "member" | "admin" }) => ({ role, user: { id: "u", name: "U" } });
const hub = createHub(chat, { authenticate });
const client = createClient(chat, { url: "wss://host", role: "member" });
const emitter = createEmitter(chat, { adapter: createMemoryAdapter() });
const say = () => ({ id: "" });
const typing = () => {};
const ban = () => true;
declare const symbol: string;
`;

/** Each with what the compiler says, the members of unions in the order of the alphabet. */
export const MISTAKES: readonly (readonly [code: string, text: string])[] = [
  [
    'client.on("mesage", () => {});',
    `Argument of type '"mesage"' is not assignable to parameter of type '"dm" | "message" | DidYouMean<"message">'.`,
  ],
  [
    'client.request("sya", { text: "" });',
    `Argument of type '"sya"' is not assignable to parameter of type '"say" | DidYouMean<"say">'.`,
  ],
  [
    'client.request("typing", { room: "" });',
    `Argument of type '"typing"' is not assignable to parameter of type '"say" | ItIsA<"signal">'.`,
  ],
  [
    'client.signal("say", { text: "" });',
    `Argument of type '"say"' is not assignable to parameter of type '"typing" | ItIsA<"request">'.`,
  ],
  [
    'createClient(chat, { url: "", role: "admin" }).signal("ban", { user: "" });',
    `Argument of type 'string' is not assignable to parameter of type 'ItIsA<"request">'.`,
  ],
  [
    'createClient(bare, { url: "", role: "guest" }).subscribe("stats", () => {});',
    `Argument of type 'string' is not assignable to parameter of type 'NoneDeclared'.`,
  ],
  [
    'client.signal("typng", { room: "" });',
    `Argument of type '"typng"' is not assignable to parameter of type '"typing" | DidYouMean<"typing">'.`,
  ],
  [
    'client.subscribe("tikcer/ACME", () => {});',
    `Argument of type '"tikcer/ACME"' is not assignable to parameter of type '"stats" | DidYouMean<"ticker/ACME"> | \`ticker/\${string}\`'.`,
  ],
  [
    "client.subscribe(`tickers/${symbol}`, () => {});",
    `Argument of type '\`tickers/\${string}\`' is not assignable to parameter of type '"stats" | DidYouMean<\`ticker/\${string}\`> | \`ticker/\${string}\`'.`,
  ],
  [
    'client.topic("tickr/:symbol", { symbol: "ACME" });',
    `Argument of type '"tickr/:symbol"' is not assignable to parameter of type '"stats" | "ticker/:symbol" | DidYouMean<"ticker/:symbol">'.`,
  ],
  [
    'client.topic("ticker/:symbol", { symbl: "ACME" });',
    `Object literal may only specify known properties, but 'symbl' does not exist in type 'ParamsFor<"ticker/:symbol">'. Did you mean to write 'symbol'?`,
  ],
  [
    'client.subscribe("stats", () => {}, { rewind: { last: 5 } });',
    "Object literal may only specify known properties, and 'rewind' does not exist in type 'SubscribeOptions'.",
  ],
  [
    'client.subscribe("stats", (_, { offset }) => offset.toFixed());',
    "'offset' is possibly 'undefined'.",
  ],
  [
    "client.implement({ confrm: () => true });",
    `Type '() => boolean' is not assignable to type 'DidYouMean<"confirm"> | NotOneOf<"confirm">'.`,
  ],
  [
    'createClient(chat, { url: "", role: "membr" });',
    `Type '"membr"' is not assignable to type '"admin" | "member"'. Did you mean '"member"'?`,
  ],
  [
    'presence(client, "rom/1");',
    `Argument of type '"rom/1"' is not assignable to parameter of type 'DidYouMean<"room/1"> | \`room/\${string}\` | { readonly topic: \`room/\${string}\`; }'.`,
  ],
  [
    'hub.room("r").broadcast("mesage", { text: "" });',
    `Argument of type '"mesage"' is not assignable to parameter of type '"alarm" | "dm" | "message" | DidYouMean<"message">'.`,
  ],
  [
    'hub.room("chat/:id", { is: "1" });',
    `Object literal may only specify known properties, and 'is' does not exist in type 'ParamsFor<"chat/:id">'.`,
  ],
  [
    'hub.publish("stat", { online: 1 });',
    `Argument of type '"stat"' is not assignable to parameter of type '"stats" | DidYouMean<"stats"> | \`ticker/\${string}\`'.`,
  ],
  [
    'hub.publish("audit", { text: "" });',
    `Argument of type '"audit"' is not assignable to parameter of type '"stats" | \`ticker/\${string}\`'.`,
  ],
  [
    'hub.history("tikcer/ACME");',
    `Argument of type '"tikcer/ACME"' is not assignable to parameter of type 'DidYouMean<"ticker/ACME"> | \`ticker/\${string}\`'.`,
  ],
  [
    'hub.forRole("admn");',
    `Argument of type '"admn"' is not assignable to parameter of type '"admin" | "member" | DidYouMean<"admin">'.`,
  ],
  [
    'hub.forRole("admin").emit("alrm", { level: 1 });',
    `Argument of type '"alrm"' is not assignable to parameter of type '"alarm" | "dm" | DidYouMean<"alarm">'.`,
  ],
  [
    'hub.user("u").emit("dn", { text: "" });',
    `Argument of type '"dn"' is not assignable to parameter of type '"alarm" | "dm" | "message" | DidYouMean<"dm">'.`,
  ],
  [
    'hub.connection("c").request("confrm", { text: "" });',
    `Argument of type '"confrm"' is not assignable to parameter of type '"confirm" | DidYouMean<"confirm">'.`,
  ],
  [
    "hub.implement({ member: { say }, admin: { ban } });",
    `Object literal may only specify known properties, and 'member' does not exist in type 'MissingHandler<"member.typing"> & Beside<"admin">'.`,
  ],
  [
    "hub.implement({ member: { say, typing } });",
    `Object literal may only specify known properties, and 'member' does not exist in type 'MissingHandler<"admin">'.`,
  ],
  [
    "hub.implement({ member: { say, typng: typing }, admin: { ban } });",
    `Type '() => void' is not assignable to type 'DidYouMean<"typing"> | NotOneOf<"say" | "typing">'.`,
  ],
  [
    'hub.implement({ member: { say: (_, { conn }) => (conn.emit("mesage", { text: "" }), { id: "" }), typing }, admin: { ban } });',
    `Argument of type '"mesage"' is not assignable to parameter of type '"dm" | "message" | DidYouMean<"message">'.`,
  ],
  [
    "hub.implement({ membr: { say, typing }, admin: { ban } });",
    `Object literal may only specify known properties, and 'membr' does not exist in type 'DidYouMean<"member"> & Beside<"admin">'.`,
  ],
  [
    "hub.implement({ member: { typng: typing } }, { part: true });",
    `Type '() => void' is not assignable to type 'DidYouMean<"typing"> | NotOneOf<"say" | "typing">'.`,
  ],
  [
    "hub.implement({ membr: { typing } }, { part: true });",
    `Object literal may only specify known properties, and 'membr' does not exist in type 'DidYouMean<"member">'.`,
  ],
  [
    "hub.implement({ member: { say: () => 5, typing }, admin: { ban } });",
    `Object literal may only specify known properties, and 'say' does not exist in type 'MustAnswer<"say", { id: string; }> & Beside<"typing">'.`,
  ],
  [
    'hub.implement({ member: { typing, say: async ({ text }, { conn }) => { conn.emit("message", { text }); return { ide: text }; } }, admin: { ban } });',
    `Object literal may only specify known properties, and 'say' does not exist in type 'MustAnswer<"say", { id: string; }> & Beside<"typing">'.`,
  ],
  [
    "hub.implement({ admin: { ban: ({ user }, { conn }) => { if (conn.id === user) return false; } } }, { part: true });",
    `Object literal may only specify known properties, and 'ban' does not exist in type 'MustAnswer<"ban", boolean>'.`,
  ],
  [
    "hub.implement({ member: { typing: (_: { rom: string }) => {} } }, { part: true });",
    `Object literal may only specify known properties, and 'typing' does not exist in type 'MustTake<"typing", { room: string; }>'.`,
  ],
  [
    "hub.implement({ member: { typing: 5 } }, { part: true });",
    `Object literal may only specify known properties, and 'typing' does not exist in type 'MustBeFunction<"typing">'.`,
  ],
  [
    "client.implement({ confirm: async ({ text }, { signal }) => signal.aborted ? text : 0 });",
    `Object literal may only specify known properties, and 'confirm' does not exist in type 'MustAnswer<"confirm", boolean>'.`,
  ],
  [
    'hub.emitServer("invaldate", { key: "" });',
    `Argument of type '"invaldate"' is not assignable to parameter of type '"invalidate" | DidYouMean<"invalidate">'.`,
  ],
  [
    'hub.onServer("lod", () => ({ conns: 1 }));',
    `Argument of type '"lod"' is not assignable to parameter of type '"invalidate" | "load" | DidYouMean<"load">'.`,
  ],
  [
    'hub.presence("rom/1");',
    `Argument of type '"rom/1"' is not assignable to parameter of type 'DidYouMean<"room/1"> | TopicPlace<\`room/\${string}\`, "admin" | "member"> | \`room/\${string}\`'.`,
  ],
  [
    'createHub(chat, { authenticate: () => ({ role: "membr" }) });',
    `Type '"membr"' is not assignable to type '"admin" | "member"'. Did you mean '"member"'?`,
  ],
  [
    'createHub(chat, { authenticate, authorize: { "tikcer/:symbol": () => true } });',
    `Type '() => boolean' is not assignable to type 'DidYouMean<"ticker/:symbol"> | NotOneOf<"audit" | "stats" | "ticker/:symbol"> | undefined'.`,
  ],
  [
    'createHub(chat, { authenticate, presence: { authorize: { "rom/:id": () => true } } });',
    `Type '() => boolean' is not assignable to type 'DidYouMean<"room/:id"> | NotOneOf<"room/:id"> | undefined'.`,
  ],
  [
    'createHub(chat, { authenticate, onConnection: (conn) => conn.emit("message", { text: "" }) });',
    `Argument of type '"message"' is not assignable to parameter of type '"dm"'.`,
  ],
  [
    "createHub(chat, { authenticate, authorise: {} });",
    `Property 'didYouMean' is missing in type '{}' but required in type 'DidYouMean<"authorize">'.`,
  ],
  [
    "createHub(chat, { authenticate, adaptor: createMemoryAdapter() });",
    `Property 'didYouMean' is missing in type 'Adapter' but required in type 'DidYouMean<"adapter">'.`,
  ],
  [
    "createHub(chat, { authenticate, onConnect: () => {} });",
    `Type '() => void' is not assignable to type 'NoSuchOption<"onConnect">'.`,
  ],
  [
    "createHub(chat, { authenticate, presence: { leaveAfter: 5 } });",
    `Type 'number' is not assignable to type 'NoSuchOption<"leaveAfter">'.`,
  ],
  [
    "createHub(chat, { authenticate, presence: { interval: 5 } });",
    `Type 'number' is not assignable to type 'NoSuchOption<"interval">'.`,
  ],
  [
    "createHub(chat, { authenticate, limits: { outbox: { maxByte: 5 } } });",
    `Object literal may only specify known properties, but 'maxByte' does not exist in type 'HubOutboxLimits'. Did you mean to write 'maxBytes'?`,
  ],
  [
    "createHub(chat, { authenticate, cluster: { joinTimeout: 5 } });",
    `Object literal may only specify known properties, but 'joinTimeout' does not exist in type 'HubClusterOptions'. Did you mean to write 'joinTimeoutMs'?`,
  ],
  [
    'createHub(chat, { authenticate, authorize: { stats: () => "yes" } });',
    `Object literal may only specify known properties, and 'stats' does not exist in type 'MustAnswer<"stats", boolean>'.`,
  ],
  [
    'createHub(chat, { authenticate: someone, authorize: { audit: ({ conn }) => conn.user.name === "", "ticker/:symbol": async ({ params, conn }) => { params.symbol === conn.user.name; } } });',
    `Object literal may only specify known properties, and '"ticker/:symbol"' does not exist in type 'MustAnswer<"ticker/:symbol", boolean> & Beside<"audit">'.`,
  ],
  [
    "createHub(chat, { authenticate, authorize: { stats: () => {}, audit: () => 5 } });",
    `Object literal may only specify known properties, and 'stats' does not exist in type 'MustAnswer<"audit" | "stats", boolean>'.`,
  ],
  [
    "createHub(chat, { authenticate: someone, rejoin: ({ room, conn }) => { room === conn.user.name; } });",
    `Object literal may only specify known properties, and 'rejoin' does not exist in type 'MustAnswer<"rejoin", boolean> & OtherOptions'.`,
  ],
  [
    'createHub(chat, { authenticate: someone, presence: { authorize: { "room/:id": ({ conn }) => conn.user.name } } });',
    `Object literal may only specify known properties, and '"room/:id"' does not exist in type 'MustAnswer<"room/:id", boolean>'.`,
  ],
  [
    'createHub(chat, { authenticate: someone, presence: { stateOf: { "room/:id": ({ conn }) => ({ nam: conn.user.name }) } } });',
    `Object literal may only specify known properties, and '"room/:id"' does not exist in type 'MustAnswer<"room/:id", { name: string; }>'.`,
  ],
  [
    "createHub(chat, { authenticate: someone, onConnection: (conn) => { conn.user.nam; } });",
    `Property 'nam' does not exist on type '{ id: string; name: string; }'. Did you mean 'name'?`,
  ],
  [
    "createHub(chat, { authenticate: ({ role, token }) => ({ role, user: token ? { id: token } : undefined }), onConnection: (conn) => { conn.user.id; } });",
    `'conn.user' is possibly 'undefined'.`,
  ],
  [
    "createHub(chat, { authenticate: ({ role, token }) => token ? { role, user: { id: token }, ctx: { age: 1 } } : { role }, onConnection: (conn) => { conn.ctx.age; } });",
    `'conn.ctx' is possibly 'undefined'.`,
  ],
  [
    "createHub(chat, { authenticate, onConnection: (conn) => { conn.user.id; } });",
    `'conn.user' is possibly 'undefined'.`,
  ],
  [
    "hub.implement({ buyer: { say, typing }, admin: { ban } });",
    `Object literal may only specify known properties, and 'buyer' does not exist in type 'NotOneOf<"admin" | "member"> & Beside<"admin">'.`,
  ],
  [
    "hub.implement({ member: { say }, admin: {} });",
    `Object literal may only specify known properties, and 'member' does not exist in type 'MissingHandler<"admin.ban" | "member.typing">'.`,
  ],
  [
    "defineContract({ roles: { m: { clientToServer: { typing: { payload: v.nonOptionalAsync(v.string()) } } } } });",
    "Type 'NonOptionalSchemaAsync<StringSchema<undefined>, undefined>' is not assignable to type 'SyncSchema'.",
  ],
  [
    'defineContract({ roles: { m: {} }, room: { "chat/:id": {} } });',
    `Type '{ "chat/:id": {}; }' is not assignable to type '{ readonly "chat/:id": {}; } & DidYouMean<"rooms">'.`,
  ],
  [
    "defineContract({ roles: { m: { topics: { t: { payload: Text, histroy: { size: 8 } } } } } });",
    `Type '{ size: 8; }' is not assignable to type '{ readonly size: 8; } & DidYouMean<"history">'.`,
  ],
  [
    "defineContract({ roles: { m: { topics: { t: { payload: Text, history: { size: 8, ttl: 5 } } } } } });",
    `Type '5' is not assignable to type '5 & NotOneOf<"size" | "ttlMs">'.`,
  ],
  [
    "defineContract({ sharde: { topics: {} }, roles: { m: {} } });",
    `Type '{ topics: {}; }' is not assignable to type '{ readonly topics: {}; } & DidYouMean<"shared">'.`,
  ],
  [
    "defineContract({ roles: { m: {} }, presence: { p: { state: Text, clientSets: true } } });",
    `Type 'true' is not assignable to type 'true & DidYouMean<"clientsSet">'.`,
  ],
  [
    "defineContract({ roles: { m: { clientToServer: { say: { payload: Text, outptu: true } } } } });",
    `Type 'true' is not assignable to type 'true & NotOneOf<"payload">'.`,
  ],
  [
    "defineContract({ roles: { m: { clientToServr: { say: { payload: Text } } } } });",
    `Object literal may only specify known properties, but 'clientToServr' does not exist in type 'SurfaceDefinition'. Did you mean to write 'clientToServer'?`,
  ],
  [
    'emitter.publish("stat", { online: 1 });',
    `Argument of type '"stat"' is not assignable to parameter of type '"stats" | DidYouMean<"stats"> | \`ticker/\${string}\`'.`,
  ],
];
