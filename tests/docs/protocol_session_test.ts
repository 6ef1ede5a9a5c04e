import { assert, assertEquals } from "@std/assert";
import { readFile } from "node:fs/promises";
import { test, waitFor } from "../harness.ts";
import { startSessionHub } from "./session_hub.ts";

const text = await readFile(new URL("../../docs/protocol.md", import.meta.url), "utf8");

/** The lines of the session, without remarks. */
function sessionLines(): string[] {
  const [, session = ""] = text.match(/^The session:\n\n```text\n(.*?)^```$/ms) ?? [];
  return session.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

/** Compares, and learns what the names in `<...>` stand for. */
function matches(expected: unknown, actual: unknown, known: Map<string, unknown>): boolean {
  if (typeof expected === "string" && /^<.*>$/.test(expected)) {
    if (/^<(message|issue)>$/.test(expected)) return typeof actual === "string" && actual !== "";
    if (!known.has(expected)) {
      if ([...known.values()].includes(actual)) return false; // another name, another value
      known.set(expected, actual);
    }
    return known.get(expected) === actual;
  }
  if (typeof expected !== "object" || expected === null) return expected === actual;
  if (typeof actual !== "object" || actual === null) return false;
  const keys = Object.keys(expected);
  return Array.isArray(expected) === Array.isArray(actual) && keys.length === Object.keys(actual).length &&
    keys.every((key) =>
      key in actual &&
      matches((expected as Record<string, unknown>)[key], (actual as Record<string, unknown>)[key], known)
    );
}

/** Puts what is known in place of the names in `<...>`. */
function fill(frame: string, known: Map<string, unknown>): string {
  return frame.replace(/"(<[^>]+>)"/g, (_, name) => {
    assert(known.has(name), `${name} is used before it is known`);
    return JSON.stringify(known.get(name));
  });
}

test("the session in the document is the real one between a client and a hub", async () => {
  await using server = await startSessionHub();
  const { hub, bus, clock } = server;
  const known = new Map<string, unknown>();
  let socket: WebSocket | undefined;
  let received: unknown[] = [];
  let answer: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> = Promise.resolve();

  const gone = () => waitFor(() => hub.stats().connections === 0, { what: "the link to be gone" });
  const happenings: [pattern: RegExp, act: (...words: string[]) => unknown][] = [
    [/^the client connects$/, async () => {
      received = [];
      const opened = new WebSocket(server.url, ["trunkline.v1.json"]);
      opened.onmessage = ({ data }) => received.push(...JSON.parse(data));
      await new Promise((resolve) => opened.onopen = resolve);
      socket = opened;
    }],
    [/^the link is lost$/, () => {
      socket?.close();
      return gone();
    }],
    [/^the client closes with 1000$/, async () => {
      socket?.close(1000);
      await gone();
      await closing;
    }],
    [/^the server asks to confirm "(.*)"$/, (question) => {
      answer = hub.connection(String(known.get("<connection>"))).request("confirm", { question: question! });
      answer.catch(() => {});
    }],
    [/^the server has its answer: (.*)$/, async (json) => assertEquals(await answer, JSON.parse(json!))],
    [/^the server publishes (.*) on stats$/, (json) => hub.publish("stats", JSON.parse(json!))],
    [
      /^the server publishes (.*) on log\/(build|test)$/,
      (json, name) => hub.publish(`log/${name!}`, JSON.parse(json!)),
    ],
    [/^(\d+) seconds pass$/, (seconds) => clock.advance(Number(seconds) * 1_000)],
    [/^the backplane goes and comes back$/, () => {
      bus.down();
      bus.up();
    }],
    [/^the server shuts down within (\d+) seconds$/, (seconds) => {
      closing = hub.close({ drainMs: Number(seconds) * 1_000 });
    }],
  ];

  const happen = async (what: string) => {
    const [found] = happenings.flatMap(([pattern, act]) => {
      const match = what.match(pattern);
      return match ? [() => act(...match.slice(1))] : [];
    });
    assert(found, `Nobody knows how to make this happen: ${what}`);
    await found();
  };

  const lines = sessionLines();
  assert(lines.length > 50, "the session is there");
  for (const line of lines) {
    const [who, rest] = [line[0], line.slice(2)];
    if (who === "!") await happen(rest);
    else if (who === "C") socket!.send(fill(rest, known));
    else {
      for (const expected of JSON.parse(rest)) {
        await waitFor(() => received.length > 0, { what: `the server to say ${JSON.stringify(expected)}` });
        const actual = received.shift();
        assert(matches(expected, actual, known), `${line}\nbut the server said ${JSON.stringify(actual)}`);
      }
    }
  }
  assertEquals(received, [], "the server said no more than that");
  assertEquals(server.typed, [{ room: "r1" }, { room: "r1" }]);
  assertEquals(server.aborted, ["TIMEOUT"]);
});
