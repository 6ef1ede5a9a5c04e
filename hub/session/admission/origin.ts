/**
 * Which web pages may connect. A browser tells the Origin of the page with every WebSocket, and cookies travel with
 * it whatever the page: without this check any site could act in the user's name.
 *
 * @module
 */

import { kindOf, promiseOf } from "../../../contract/mod.ts";
import type { AnyHubOptions } from "../../api/options.ts";

/** A client may write into its headers what it likes: so much of it is repeated. */
const MAX_SHOWN = 200;

/** What a `Host` header may hold beside a name, a port and the brackets of IPv6; a URL would read more into it. */
const NOT_A_HOST = /[\s/\\@?#]/;

const show = (text: string): string => JSON.stringify(text.slice(0, MAX_SHOWN));

/** A host without the dot that may end it. */
const withoutDot = (hostname: string): string => hostname.replace(/\.$/, "");

function parse(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

/** An origin as it is compared: scheme, host and port, in one way of writing. */
function normalised({ protocol, hostname, port }: URL): string {
  return `${protocol}//${withoutDot(hostname)}${port && `:${port}`}`;
}

/**
 * Reads an entry of `origins`.
 *
 * @param entry What the application gave.
 * @returns The origin as it is compared, or what to write instead.
 */
export function readOrigin(entry: string): { readonly origin: string } | { readonly instead: string } {
  if (entry === "null") return { origin: entry }; // pages without an origin: of files, of sandboxes
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

/** Whether a page and a request are of one site. Behind a proxy that ends TLS the request's scheme is not the page's. */
function isSameSite(origin: URL, request: Request): boolean {
  const own = new URL(request.url);
  const host = request.headers.get("host") ?? own.host;
  if (NOT_A_HOST.test(host)) return false;
  if (origin.protocol !== "https:" && (origin.protocol !== "http:" || own.protocol === "https:")) {
    return false;
  }
  // A default port may be written out, by the scheme of the page or of the last hop.
  return [origin.protocol, own.protocol].some((protocol) => {
    const target = parse(`${protocol}//${host}`);
    return target !== undefined && withoutDot(target.hostname) === withoutDot(origin.hostname) &&
      target.port === origin.port;
  });
}

/**
 * Judges a request by its Origin.
 *
 * @param request The request; without an Origin it does not come from a browser, and may open a link.
 * @param origins See `HubOptions.origins`; entries of a list as {@linkcode readOrigin} gives them.
 * @returns `undefined` when it may, else why not and what to set.
 * @throws Whatever the application's function throws.
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

/** Only `true` lets in. */
function judge(answer: unknown, given: string): string | undefined {
  const later = promiseOf(answer);
  later?.catch(() => {}); // whatever it is, it comes too late
  if (answer === true) return undefined;
  const refused = `Refused a page of ${show(given)}: the function origins of createHub answered ${
    kindOf(answer)
  }`;
  if (answer === false) return refused;
  return `${refused}. Only true lets in; answer true or false at once`;
}
