/**
 * Loads the library of an adapter only when it is needed. So users install only the libraries of their adapters.
 *
 * @module
 */

/** A library is not installed, or cannot be loaded here. */
export class LibraryError extends Error {
  override readonly name = "LibraryError";
  /** What to install, if that helps. */
  readonly missing: Missing | undefined;

  /**
   * @param message What happened, and what to do.
   * @param options The cause, and what to install.
   */
  constructor(message: string, options?: ErrorOptions & { readonly missing?: Missing }) {
    super(message, options);
    this.missing = options?.missing;
  }
}

/** A library that is not installed. */
interface Missing {
  readonly name: string;
  /** Why it cannot be loaded. */
  readonly said: string;
  /** What to do instead; empty if there is nothing else. */
  readonly otherwise: string;
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
    throw notInstalled([{ name, said, otherwise }], cause);
  }
}

/**
 * Waits for libraries that are needed together. If several are not installed, one error names them all.
 *
 * @param loads The results of {@linkcode loadLibrary}.
 * @throws {LibraryError} If one of them cannot be loaded.
 */
export async function loadLibraries<T extends readonly unknown[]>(
  loads: readonly [...{ readonly [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  const outcomes = await Promise.allSettled(loads);
  const errors = outcomes.flatMap((outcome) => outcome.status === "rejected" ? [outcome.reason] : []);
  const missing = errors.flatMap((error) => error instanceof LibraryError ? error.missing ?? [] : []);
  if (errors.length > 1 && missing.length === errors.length) throw notInstalled(missing, errors[0].cause);
  if (errors.length > 0) throw errors.find((error) => !error.missing) ?? errors[0];
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<unknown>).value) as unknown as T;
}

/** Says what to install, and what else would help. */
function notInstalled(all: readonly Missing[], cause: unknown): LibraryError {
  const names = all.map(({ name }) => name);
  const { said, otherwise } = all[0]!;
  const listed = new Intl.ListFormat("en").format(names.map((name) => `\`${name}\``));
  const added = names.map((name) => `npm:${name}`).join(" ");
  const install = `Install ${all.length > 1 ? "them" : "it"} (\`deno add ${added}\`, \`bun add ${
    names.join(" ")
  }\`)${otherwise && ` or ${otherwise}`}`;
  return new LibraryError(`Cannot import ${listed} (${said}). ${install}.`, { cause, missing: all[0] });
}
