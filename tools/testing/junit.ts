/**
 * Reads the JUnit reports of the runtimes.
 *
 * @module
 */

/** One test of a report. */
export interface TestCase {
  readonly name: string;
  readonly result: "passed" | "failed" | "skipped";
  /** The text of a failed test, if the report contains it. */
  readonly said?: string;
}

/**
 * Reads the tests of a report.
 *
 * @param xml The report.
 * @returns The tests in the order of the report.
 */
export function readJunit(xml: string): TestCase[] {
  const cases = xml.matchAll(/<testcase\b((?:[^>"]|"[^"]*")*?)(?:\/>|>(.*?)<\/testcase>)/gs);
  return Array.from(cases, ([, attributes, content = ""]): TestCase => {
    const name = unescapeXml(attributes.match(/\bname="([^"]*)"/)?.[1] ?? "");
    const [failure, , own, inside] = content.match(FAILURE) ?? [];
    if (failure === undefined) return { name, result: /<skipped\b/.test(content) ? "skipped" : "passed" };
    const said = unescapeXml((inside || own?.match(/\bmessage="([^"]*)"/)?.[1]) ?? "").trim();
    return said === "" ? { name, result: "failed" } : { name, result: "failed", said };
  });
}

const FAILURE = /<(failure|error)\b((?:[^>"]|"[^"]*")*?)(?:\/>|>(.*?)<\/\1>)/s;

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (entity, decimal, hex, name) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    return ENTITIES[name] ?? entity;
  });
}
