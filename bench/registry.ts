/**
 * A registry with only this package, served as JSR serves it: the published files, with their bare specifiers resolved.
 *
 * @module
 */

const ROOT = new URL("../", import.meta.url);

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports: Readonly<Record<string, string>>;
  readonly publish: { readonly include: readonly string[] };
}

/** A registry that runs. */
export interface Registry extends AsyncDisposable {
  /** The address for Deno's `JSR_URL`. */
  readonly url: string;
  /** The name of the package with its version, as it follows `jsr:`. */
  readonly specifier: string;
}

/** The modules of a folder and its subfolders; paths begin at the root of the package. */
async function* modulesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
    if (isDirectory) yield* modulesIn(`${folder}${name}/`);
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) yield `${folder}${name}`;
  }
}

async function* publishedModules({ publish }: Manifest): AsyncGenerator<string> {
  for (const pattern of publish.include) {
    if (pattern.endsWith("**/*.ts")) yield* modulesIn(pattern.slice(0, -"**/*.ts".length));
    else if (pattern.endsWith(".ts")) yield pattern;
  }
}

/** Replaces bare specifiers such as `hono` with those of the import map, as JSR does on publishing. */
function resolveSpecifiers(source: string, imports: Manifest["imports"]): string {
  return source.replace(
    /(\bfrom\s+|\bimport\s*\(\s*)"([@a-z][^":]*)"/g,
    (all, before: string, specifier: string) => {
      const name = Object.keys(imports).find((name) =>
        specifier === name || specifier.startsWith(`${name}/`)
      );
      return name === undefined ? all : `${before}"${imports[name]}${specifier.slice(name.length)}"`;
    },
  );
}

async function checksum(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256-${digest.toHex()}`;
}

/** Starts a registry on a free port, for this machine only. */
export async function startRegistry(): Promise<Registry> {
  const manifest: Manifest = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const { name, version, exports, imports } = manifest;
  const modules = new Map<string, Uint8Array<ArrayBuffer>>();
  const listed: Record<string, { readonly size: number; readonly checksum: string }> = {};
  for await (const path of publishedModules(manifest)) {
    const source = await Deno.readTextFile(new URL(path, ROOT));
    const bytes = new TextEncoder().encode(resolveSpecifiers(source, imports));
    modules.set(`/${name}/${version}/${path}`, bytes);
    listed[`/${path}`] = { size: bytes.length, checksum: await checksum(bytes) };
  }
  const [scope, bare] = name.slice(1).split("/");
  const about = new Map<string, unknown>([
    [`/${name}/meta.json`, { scope, name: bare, latest: version, versions: { [version]: {} } }],
    [`/${name}/${version}_meta.json`, { manifest: listed, exports }],
  ]);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    const { pathname } = new URL(url);
    if (about.has(pathname)) return Response.json(about.get(pathname));
    const bytes = modules.get(pathname);
    if (!bytes) return new Response("There is no such module", { status: 404 });
    return new Response(bytes, { headers: { "content-type": "text/typescript" } });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}/`,
    specifier: `${name}@${version}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
