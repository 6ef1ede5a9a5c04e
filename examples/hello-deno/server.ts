// Run: deno run --allow-net --allow-env examples/hello-deno/server.ts
import { createHub } from "@trunkline/hub";
import { Hono } from "hono";
import { hello } from "./contract.ts";

const hub = createHub(hello, {
  authenticate: ({ role }) => ({ role }),
  rejoin: () => true, // a client that reconnects gets back into its rooms
});

hub.implement({
  guest: {
    async enter({ name }, { conn }) {
      const hall = hub.room("hall");
      await hall.add(conn);
      hall.broadcast("entered", { name });
      return { greeting: `Hello, ${name}!` };
    },
  },
});

const app = new Hono();
app.route("/realtime", hub.routes);

Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.env.get("PORT") ?? 8000) }, app.fetch);
