import { readDocument } from "../docs/markdown.ts";

/**
 * The options that an interface documents; those of an option that is a bag itself with a dot. Read from the source, so
 * that an option that no table knows of is found too.
 *
 * @param path The file, from the root of the repository.
 * @param name The interface.
 */
export async function documentedOptions(path: string, name: string): Promise<string[]> {
  const source = await readDocument(path);
  const [, body] = source.match(new RegExp(`^export interface ${name}\\b.*?\\{\n(.*?)^\\}`, "ms")) ?? [];
  if (body === undefined) throw new Error(`There is no interface ${name} in ${path}`);
  const found: string[] = [];
  let outer = "";
  for (const line of body.split("\n")) {
    const [, indent = "", option] = line.match(/^( +)(?:readonly )?(\w+)\??[:(]/) ?? [];
    if (!option || indent.length > 4 || indent.length > 2 && outer === "") continue;
    found.push(indent.length > 2 ? `${outer}.${option}` : option);
    if (indent.length === 2) outer = line.endsWith("{") ? option : "";
  }
  return found;
}

/** Values that hardly any option takes. */
export const ODD_VALUES: Readonly<Record<string, unknown>> = {
  "undefined": undefined,
  "null": null,
  "NaN": NaN,
  "Infinity": Infinity,
  "-1": -1,
  "0": 0,
  "0.5": 0.5,
  "1": 1,
  "2**53": 2 ** 53,
  "text": "x",
  "true": true,
  "object": {},
  "list": [],
  "function": () => {},
};

/** Puts a value at a path into an object. */
export function put(path: string, value: unknown): object {
  const [name, ...rest] = path.split(".");
  return { [name!]: rest.length > 0 ? put(rest.join("."), value) : value };
}
