/**
 * A local server for the site.
 *
 * @module
 */

import { extname, join, normalize } from "node:path/posix";

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".png": "image/png",
  ".webp": "image/webp",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".woff2": "font/woff2",
};

/**
 * Serves the files of a folder on 127.0.0.1.
 *
 * @param folder The folder.
 * @param port The port; 0 for any free port.
 * @returns The server.
 */
export function serveFolder(folder: string, port: number): AsyncDisposable & { readonly port: number } {
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, async (request) => {
    // Resolved like the path of a URL, so that no spelling can lead out of the folder.
    const path = normalize(`/${decodeURIComponent(new URL(request.url).pathname)}`);
    for (const name of [path, `${path}.html`, join(path, "index.html")]) {
      const body = await Deno.readFile(join(folder, name)).catch(() => undefined);
      if (body) {
        return new Response(body, {
          headers: { "content-type": TYPES[extname(name)] ?? "application/octet-stream" },
        });
      }
    }
    const missing = await Deno.readFile(join(folder, "404.html")).catch(() => "Not found");
    return new Response(missing, { status: 404, headers: { "content-type": "text/html; charset=utf-8" } });
  });
  return { port: server.addr.port, [Symbol.asyncDispose]: () => server.shutdown() };
}
