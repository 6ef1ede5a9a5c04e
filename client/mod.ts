/**
 * The client of Trunkline. A contract gives it its types, and it reconnects and recovers by itself. It runs unchanged
 * in browsers, Deno, Bun and Node 22, and has no dependencies.
 *
 * @module
 */

export { HubError } from "../contract/mod.ts";
export type { CallOptions, CloseOptions } from "../contract/mod.ts";
export type { ClientUrl } from "./addresses.ts";
export { createClient } from "./create_client.ts";
export type { ClientLifecycle } from "./lifecycle/page.ts";
export type { ClientOptions, ClientToken } from "./options.ts";
export type { ReconnectOptions } from "./reconnect.ts";
export type * from "./api/mod.ts";
export { createWebSocketClientTransport } from "./transports/websocket.ts";
