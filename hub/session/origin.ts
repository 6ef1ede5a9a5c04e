/**
 * Which web pages may connect. A browser tells the Origin of the page with every WebSocket, and cookies travel with
 * it whatever the page: without this check any site could act in the user's name.
 *
 * @module
 */

import type { AnyHubOptions } from "../api/options.ts";

/**
 * Whether a request may open a link, judged by its Origin.
 *
 * @param request The request; without an Origin it does not come from a browser, and may.
 * @param origins See `HubOptions.origins`.
 */
export function originAllowed(request: Request, origins: AnyHubOptions["origins"]): boolean {
  const origin = request.headers.get("origin");
  if (origin === null || origins === "*") return true;
  if (typeof origins === "function") return origins(origin, request);
  if (origins) return origins.includes(origin);
  const host = request.headers.get("host") ?? new URL(request.url).host;
  return URL.canParse(origin) && new URL(origin).host === host;
}
