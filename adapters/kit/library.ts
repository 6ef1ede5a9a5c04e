/**
 * Loads the library of an adapter only when it is needed. So users install only the libraries of their adapters.
 *
 * @module
 */

/** A library is not installed, or cannot be loaded here. */
export class LibraryError extends Error {
  override readonly name = "LibraryError";
}

/** Deno's message for a missing permission, also inside the message of a library that has caught it. */
const NOT_ALLOWED = /\bRequires \w+ access\b/;

/**
 * Loads a library.
 *
 * @param name Its name: `"ioredis"`.
 * @param otherwise What to do instead of installing it: `"pass client"`; empty if there is nothing else.
 * @param load Imports it.
 * @throws {LibraryError} If that fails.
 */
export async function loadLibrary<T>(name: string, otherwise: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const said = cause instanceof Error ? cause.message.split("\n", 1)[0]! : String(cause);
    if (NOT_ALLOWED.test(said)) {
      throw new LibraryError(`Cannot import \`${name}\`: this process lacks the permission (${said})`, {
        cause,
      });
    }
    const install = `Install it (\`deno add npm:${name}\`, \`bun add ${name}\`)${
      otherwise && ` or ${otherwise}`
    }`;
    throw new LibraryError(`Cannot import \`${name}\` (${said}). ${install}.`, { cause });
  }
}
