/**
 * Decides which web pages may connect. A browser sends the Origin of the page with every WebSocket, and it sends
 * cookies for any page. Without this check any site could act in the user's name.
 *
 * @module
 */

import { kindOf, promiseOf } from "../../../contract/mod.ts";
import type { AnyHubOptions } from "../../api/options.ts";

/** How much of a header an error repeats: a client may write anything into it. */
const MAX_SHOWN = 200;

/** Characters that a `Host` header must not have: a URL would not read them as a part of the host. */
const NOT_A_HOST = /[\s/\\@?#]/;

const show = (text: string): string => JSON.stringify(text.slice(0, MAX_SHOWN));

/** A host without the dot that may end it. */
const withoutDot = (hostname: string): string => hostname.replace(/\.$/, "");

function parse(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

/** An origin in the form for comparing: scheme, host and port. */
function normalised({ protocol, hostname, port }: URL): string {
  return `${protocol}//${withoutDot(hostname)}${port && `:${port}`}`;
}

/**
 * Reads an entry of `origins`.
 *
 * @param entry The entry of the application's list.
 * @returns The origin in the form for comparing, or what to write instead.
 */
export function readOrigin(entry: string): { readonly origin: string } | { readonly instead: string } {
  if (entry === "null") return { origin: entry }; // for pages without an origin, of files and sandboxes
  if (entry === "*") return { instead: 'origins: "*" without a list, for all pages' };
  if (entry.includes("*")) return { instead: "a function, to take all pages of a domain" };
  const url = parse(entry);
  if (!url || url.host === "") {
    const host = parse(`https://${entry}`)?.host;
    const local = host !== undefined && /^(localhost|127\.|\[::1\])/.test(host);
    return { instead: host ? `"http${local ? "" : "s"}://${host}"` : '"https://app.example"' };
  }
  const bare = (url.pathname === "/" || url.pathname === "") && !url.search && !url.hash && !url.username;
  return bare ? { origin: normalised(url) } : { instead: `"${normalised(url)}"` };
}

/**
 * Whether a page and a request belong to the same site. Behind a proxy that ends TLS, the scheme of the request is
 * not the scheme of the page.
 */
function isSameSite(origin: URL, request: Request): boolean {
  const own = new URL(request.url);
  const host = request.headers.get("host") ?? own.host;
  if (NOT_A_HOST.test(host)) return false;
  if (origin.protocol !== "https:" && (origin.protocol !== "http:" || own.protocol === "https:")) {
    return false;
  }
  // The host may name the default port of the page's scheme, or of the last hop's.
  return [origin.protocol, own.protocol].some((protocol) => {
    const target = parse(`${protocol}//${host}`);
    return target !== undefined && withoutDot(target.hostname) === withoutDot(origin.hostname) &&
      target.port === origin.port;
  });
}

/**
 * Judges a request by its Origin.
 *
 * @param request The request. A request without an Origin does not come from a browser, and may open a link.
 * @param origins See `HubOptions.origins`; entries of a list as {@linkcode readOrigin} gives them.
 * @returns `undefined` when the page may connect; otherwise why it may not, and what to set.
 * @throws The error that the application's function throws.
 */
export function refuseOrigin(request: Request, origins: AnyHubOptions["origins"]): string | undefined {
  const given = request.headers.get("origin");
  if (given === null || origins === "*") return undefined;
  if (typeof origins === "function") return judge(origins(given, request), given);
  const page = parse(given);
  if (origins) {
    if (origins.includes(page ? normalised(page) : given)) return undefined;
    return `Refused a page of ${show(given)}: origins of createHub has ${
      origins.map(show).join(", ") || "no entry"
    }. If the page is yours, add it there`;
  }
  if (page && isSameSite(page, request)) return undefined;
  const host = request.headers.get("host") ?? new URL(request.url).host;
  return `Refused a page of ${show(given)}: the request was sent to ${
    show(host)
  }. If the page is yours, set origins: [${show(given)}] in createHub`;
}

/** Only `true` allows the page. */
function judge(answer: unknown, given: string): string | undefined {
  const later = promiseOf(answer);
  later?.catch(() => {}); // a promise comes too late: its error does not matter
  if (answer === true) return undefined;
  const refused = `Refused a page of ${show(given)}: the function origins of createHub answered ${
    kindOf(answer)
  }`;
  if (answer === false) return refused;
  return `${refused}. Only true allows the page: return true or false, at once`;
}
