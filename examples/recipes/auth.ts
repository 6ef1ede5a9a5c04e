// Pages with a cookie, and other clients with a token (JWT). Run: deno run -A examples/recipes/auth.ts
import { createHub, HubError } from "@trunkline/hub";
import { createClient } from "@trunkline/hub/client";
import { defineContract } from "@trunkline/hub/contract";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { sign, verify } from "hono/jwt";
import { parse } from "hono/utils/cookie";
import { z } from "zod";

export const notes = defineContract({
  roles: { member: { clientToServer: { whoAmI: { input: z.void(), output: z.string() } } } },
});

const SECRET = "from your configuration, and long";
const sessions = new Map([["session of ann", "ann"]]); // in your application: a table

/** Checks a token. A wrong or expired token is a final refusal: the client would only be refused again. */
async function readToken(token: string) {
  try {
    const { sub, exp } = await verify(token, SECRET, "HS256"); // also checks `exp`, but a token may have none
    if (sub === undefined || exp === undefined) throw new Error("The token has no sub, or no exp");
    return { id: String(sub), untilMs: exp * 1_000 };
  } catch (cause) {
    throw new HubError("UNAUTHENTICATED", "Cannot let you in: the token is wrong, or has expired", { cause });
  }
}

const LONGEST_MS = 2 ** 31 - 1; // 24.8 days: a longer timer would fire at once

const loopback = createLoopbackTransport(); // in your application: WebSockets, which are the default
await using hub = createHub(notes, {
  // Browsers send cookies with the connections of every page. So name the pages that may connect. Default: the hub's own host.
  origins: ["https://app.example"],
  async authenticate({ role, token, request }) {
    if (token !== undefined) {
      const { id, untilMs } = await readToken(token);
      return { role, user: { id }, ctx: { untilMs } };
    }
    const { session } = parse(request.headers.get("cookie") ?? "", "session");
    const id = session === undefined ? undefined : sessions.get(session);
    if (id === undefined) throw new HubError("UNAUTHENTICATED", "Cannot let you in: sign in first");
    return { role, user: { id }, ctx: { untilMs: Infinity } };
  },
  onConnection(conn) {
    if (conn.ctx.untilMs === Infinity) return;
    // An open connection stays open when its token expires. After 4000 the client reconnects, with a new token.
    const timer = setTimeout(
      () => conn.close({ code: 4000, reason: "The token has expired" }),
      Math.min(conn.ctx.untilMs - Date.now(), LONGEST_MS), // a connection of 24.8 days reconnects in any case
    );
    conn.signal.addEventListener("abort", () => clearTimeout(timer));
  },
  transports: [loopback],
});
hub.implement({ member: { whoAmI: (_, { conn }) => conn.user.id } });

const url = "ws://loopback";

// A page: the browser sends the cookie by itself. Set the cookie with HttpOnly, Secure and SameSite=Lax.
const page = createClient(notes, {
  url,
  role: "member",
  transport: loopback.client({ headers: { cookie: "session=session%20of%20ann" } }),
  onError() {},
});
console.log(`The page belongs to ${await page.request("whoAmI", undefined)}`);

// Another program: the client calls `fetchToken` for each connection. This token is good for 30 days.
const inDays = (days: number) => Math.floor(Date.now() / 1_000) + days * 86_400;
const fetchToken = () => sign({ sub: "bob", exp: inDays(30) }, SECRET, "HS256");
const program = createClient(notes, { url, role: "member", token: fetchToken, transport: loopback.client() });
console.log(`The program belongs to ${await program.request("whoAmI", undefined)}`);

for (const token of ["nonsense", await sign({ sub: "eve" }, SECRET, "HS256")]) { // the second one would never expire
  const transport = loopback.client();
  const stranger = createClient(notes, { url, role: "member", token, transport, onError() {} });
  console.log(`The stranger gets the code ${(await stranger.closed)?.code}`);
}

// A user signs out: end the session, then the connections.
sessions.delete("session of ann");
await hub.cluster.disconnect({ user: "ann" });
console.log(`The page gets the code ${(await page.closed)?.code}`);
await program.close();
