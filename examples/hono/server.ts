// Run: deno serve --allow-net --host 127.0.0.1 examples/hono/server.ts
import { createHub, HubError } from "@trunkline/hub";
import { Hono } from "hono";
import { Order, shop } from "./contract.ts";

const hub = createHub(shop, {
  authenticate({ role, token }) {
    if (token !== "let me cook") throw new HubError("UNAUTHENTICATED", "Only the kitchen may connect");
    return { role };
  },
});

// The application that you already have.
const app = new Hono();
app.get("/", (c) => c.text("Today: soup"));

// An order comes in over HTTP, and goes out to every connected kitchen, on any node.
app.post("/orders", async (c) => {
  const order = Order.safeParse(await c.req.json());
  if (!order.success) return c.json({ error: "An order has a dish and a table" }, 400);
  hub.forRole("kitchen").emit("ordered", order.data);
  return c.json(order.data, 201);
});

app.route("/realtime", hub.routes);

// The same file runs on Bun: bun examples/hono/server.ts
export default { fetch: app.fetch, websocket: hub.websocket };
