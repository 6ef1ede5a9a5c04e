/**
 * Serves the page, and executes the commands of its buttons.
 *
 * @module
 */

import { Hono } from "hono";
import { Assigner } from "./assign.ts";
import type { PageConfig } from "./contract.ts";
import { codePage } from "./excerpts.ts";
import { type Action, ACTIONS, type Supervisor } from "./supervisor.ts";

/** The options of {@linkcode createPageServer}. */
export interface PageServerOptions {
  /** The page's code, bundled. */
  readonly script: string;
  /** The code of the page that shows code, bundled. */
  readonly codeScript: string;
  /** The page's style, bundled. */
  readonly style: string;
  /** The name of the adapter. */
  readonly adapter: string;
  /** Runs the nodes. */
  readonly supervisor: Supervisor;
  /** The broker, if the demo started it. */
  readonly broker: OwnBroker | undefined;
  /** The origins of this server. */
  readonly origins: readonly string[];
}

/** A broker that the page can kill and start. */
export interface OwnBroker {
  kill(): Promise<void>;
  start(): Promise<void>;
}

/**
 * The origins of the page, as browsers name them: without the port, if that is the usual one.
 *
 * @param port The port of the page.
 */
export const originsOf = (port: number): string[] =>
  ["127.0.0.1", "localhost"].map((host) => new URL(`http://${host}:${port}`).origin);

/** No content of other origins and no inline content. Only the second window may be in a frame. */
const policy = (ancestors: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self' ws://127.0.0.1:*",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${ancestors}`,
  ].join("; ");

/**
 * Creates the server of the page.
 *
 * @param options The page's code, and the supervisor of the nodes.
 */
export async function createPageServer(options: PageServerOptions): Promise<Hono> {
  const { script, codeScript, style, adapter, supervisor, broker, origins } = options;
  const read = (name: string) => Deno.readTextFile(new URL(`./page/${name}`, import.meta.url));
  const [page, icon, code] = await Promise.all([read("index.html"), read("icon.svg"), codePage()]);
  const assigner = new Assigner();
  let windows = assigner.next(supervisor.slots);

  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.header("content-security-policy", policy(c.req.path === "/second" ? "'self'" : "'none'"));
    c.header("x-content-type-options", "nosniff");
    c.header("referrer-policy", "no-referrer");
    c.header("cache-control", "no-store");
  });
  // The second window is the same page in a frame. The first window gives it its name and its node.
  app.on("GET", ["/", "/second"], (c) => {
    const { canKill, slots } = supervisor;
    if (c.req.path === "/") windows = assigner.next(slots);
    const config: PageConfig = { adapter, canKill, ownBroker: broker !== undefined, slots, windows };
    // Only `<` could end the script element too early.
    return c.html(page.replace('"CONFIG"', () => JSON.stringify(config).replaceAll("<", "\\u003c")));
  });
  app.get("/code", (c) => c.html(code));
  app.get("/main.js", (c) => c.body(script, 200, { "content-type": "text/javascript; charset=utf-8" }));
  app.get("/code.js", (c) => c.body(codeScript, 200, { "content-type": "text/javascript; charset=utf-8" }));
  app.get("/main.css", (c) => c.body(style, 200, { "content-type": "text/css; charset=utf-8" }));
  app.get("/icon.svg", (c) => c.body(icon, 200, { "content-type": "image/svg+xml" }));
  // For windows that no node serves.
  app.get("/nodes", (c) => c.json({ slots: supervisor.slots }));
  app.post("*", async (c, next) => {
    // Every page in the browser can post here, but only this one may do so.
    if (origins.includes(c.req.header("origin") ?? "")) return await next();
    return c.json({ error: "The request does not come from this page" }, 403);
  });
  app.post("/broker/:action{kill|start}", async (c) => {
    if (!broker) return c.json({ error: "The demo did not start the broker" }, 409);
    try {
      await (c.req.param("action") === "kill" ? broker.kill() : broker.start());
    } catch (error) {
      return c.json({ error: (error as Error).message }, 409);
    }
    return c.json({});
  });
  app.post("/nodes/:number/:action", async (c) => {
    const { number, action } = c.req.param();
    if (!isAction(action)) return c.json({ error: `There is no action "${action}"` }, 404);
    try {
      await supervisor.act(Number(number), action);
    } catch (error) {
      return c.json({ error: (error as Error).message, slots: supervisor.slots }, 409);
    }
    return c.json({ slots: supervisor.slots });
  });
  return app;
}

function isAction(text: string): text is Action {
  return (ACTIONS as readonly string[]).includes(text);
}
