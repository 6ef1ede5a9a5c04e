// Three people use the chat: history, who types, a kick and a ban.
// Run: deno run -A examples/recipes/chat/main.ts
import { createClient, type HubError } from "@trunkline/hub/client";
import { presence } from "@trunkline/hub/client/presence";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { chat } from "./contract.ts";
import { createChat } from "./hub.ts";

const loopback = createLoopbackTransport(); // in your application: WebSockets, which are the default
await using hub = createChat({ transports: [loopback] });
await hub.ready;

const room = "lobby";

/** Connects somebody. All roles have the requests and events of `shared`. */
function connect<Role extends "member" | "admin">(name: string, role: Role) {
  const transport = loopback.client();
  return createClient(chat, {
    url: "ws://loopback",
    role,
    token: `token of ${name}`,
    transport,
    onError() {},
  });
}

const codeOf = (call: Promise<void>) => call.then(() => "OK", (error: HubError) => error.code);

const bob = connect("bob", "member");
await bob.request("join", { room }); // once is enough: after a reconnect the hub puts the client back
await bob.request("say", { room, text: "is anybody here?" });

// Ann comes later, and gets the newest messages.
const ann = connect("ann", "admin");
const first = ann.once("message");
await ann.request("join", { room });
console.log(`ann reads: ${(await first).from}: ${(await first).text}`);

// Who is there, and who types. Only members see the list.
const people = presence(ann, `room/${room}`);
const his = presence(bob, `room/${room}`);
await Promise.all([people.ready, his.ready]);
console.log(`ann sees: ${people.list().map(({ id }) => id).sort().join(", ")}`);
const typing = new Promise<string>((resolve) => {
  people.on("update", ({ id, state }) => state?.typing && resolve(id));
});
await his.set({ typing: true }); // on each key; false when nothing was typed for a few seconds
console.log(`${await typing} types`);

// A kick: out of the room, but free to come back.
const kicked = bob.once("removed");
await ann.request("kick", { room, user: "bob" });
console.log(
  `bob was removed by ${(await kicked).by}, and says something: ${await codeOf(
    bob.request("say", { room, text: "?" }),
  )}`,
);
console.log(`bob comes back: ${await codeOf(bob.request("join", { room }))}`);

// A ban: out, and not let in again.
const eve = connect("eve", "member");
await eve.request("join", { room });
await ann.request("ban", { room, user: "eve" });
console.log(`eve comes back: ${await codeOf(eve.request("join", { room }))}`);
await ann.request("unban", { room, user: "eve" });
console.log(`eve, later: ${await codeOf(eve.request("join", { room }))}`);

// Only admins kick. The compiler refuses this call to a member, and so do the client and the hub.
const asAdmin = connect("bob", "admin");
console.log(`bob as an admin: ${(await asAdmin.closed)?.code}`);

for (const client of [ann, bob, eve]) await client.close();
