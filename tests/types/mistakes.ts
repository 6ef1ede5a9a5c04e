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
const authenticate = ({ role }: { role: "member" | "admin" }) => ({ role });
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
    `Argument of type '"typing"' is not assignable to parameter of type '"say"'.`,
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
    `Object literal may only specify known properties, and 'say' does not exist in type 'MissingHandler<"typing">'.`,
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
    `Object literal may only specify known properties, and 'say' does not exist in type 'DidYouMean<"member"> | NotOneOf<"admin" | "member">'.`,
  ],
  [
    "hub.implement({ member: { typng: typing } }, { part: true });",
    `Type '() => void' is not assignable to type 'DidYouMean<"typing"> | NotOneOf<"say" | "typing">'.`,
  ],
  [
    "hub.implement({ membr: { typing } }, { part: true });",
    `Object literal may only specify known properties, and 'typing' does not exist in type 'DidYouMean<"member"> | NotOneOf<"admin" | "member">'.`,
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
    `Type '() => true' is not assignable to type 'DidYouMean<"ticker/:symbol"> | NotOneOf<"audit" | "stats" | "ticker/:symbol">'.`,
  ],
  [
    'createHub(chat, { authenticate, presence: { authorize: { "rom/:id": () => true } } });',
    `Type '() => true' is not assignable to type 'DidYouMean<"room/:id"> | NotOneOf<"room/:id">'.`,
  ],
  [
    'createHub(chat, { authenticate, onConnection: (conn) => conn.emit("message", { text: "" }) });',
    `Argument of type '"message"' is not assignable to parameter of type '"dm"'.`,
  ],
  [
    "defineContract({ roles: { m: { clientToServer: { typing: { payload: v.nonOptionalAsync(v.string()) } } } } });",
    "Type 'NonOptionalSchemaAsync<StringSchema<undefined>, undefined>' is not assignable to type 'SyncSchema'.",
  ],
  [
    'emitter.publish("stat", { online: 1 });',
    `Argument of type '"stat"' is not assignable to parameter of type '"stats" | DidYouMean<"stats"> | \`ticker/\${string}\`'.`,
  ],
];
