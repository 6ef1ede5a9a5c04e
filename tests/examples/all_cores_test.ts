import { assert, assertEquals } from "@std/assert";
import { type Client, createClient } from "@trunkline/hub";
import process from "node:process";
import { chat } from "../../examples/all-cores/contract.ts";
import { freePort } from "../../tools/brokers/ports.ts";
import { runtime, test, waitFor } from "../harness.ts";
import { Program } from "./program.ts";

const ARGS = runtime === "deno" ? ["run", "--unstable-net", "--allow-all"] : [];

/** A client, the processes that it has been on, and what it hears. */
interface Guest {
  readonly client: Client<(typeof chat)["definition"], "member">;
  readonly pids: number[];
  readonly heard: Set<string>;
}

function visit(url: string): Guest {
  const client = createClient(chat, { url, role: "member", reconnect: { baseMs: 50, maxMs: 500 } });
  const guest: Guest = { client, pids: [], heard: new Set() };
  client.on("welcome", ({ pid }) => guest.pids.push(pid));
  client.on("said", ({ text }) => guest.heard.add(text));
  return guest;
}

/** Every client says something, and gets the messages of all. */
async function talk(guests: readonly Guest[], word: string): Promise<void> {
  for (const [i, { client }] of guests.entries()) client.signal("say", { text: `${word} ${i}` });
  for (const { heard } of guests) {
    await waitFor(() => guests.every((_, i) => heard.has(`${word} ${i}`)), { what: "all clients" });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("all-cores: the processes end when the one that has started them is killed", async () => {
  const variables = { PORT: `${await freePort()}`, PROCESSES: "2", DRAIN_MS: "0" };
  const program = new Program([...ARGS, "examples/all-cores/main.ts"], variables);
  const pids = () => [...program.output.matchAll(/process (\d+) serves/g)].map(([, pid]) => Number(pid));
  await waitFor(() => pids().length === 2, { what: "two processes", timeoutMs: 20_000 });
  await program[Symbol.asyncDispose]();
  await waitFor(() => pids().filter(isAlive).length === 0, { what: "their end", timeoutMs: 10_000 });
}, { timeoutMs: 60_000 });

test(
  "all-cores: clients of one port are on several processes and get each other's messages; a killed process is replaced",
  async () => {
    const port = `${await freePort()}`;
    await using program = new Program([...ARGS, "examples/all-cores/main.ts"], {
      PORT: port,
      PROCESSES: "3",
      DRAIN_MS: "0",
    });
    const serving = () => [...program.output.matchAll(/process (\d+) serves/g)].map(([, pid]) => Number(pid));
    await waitFor(() => serving().length === 3, { what: "three processes", timeoutMs: 20_000 })
      .catch((cause) => Promise.reject(new Error(program.output, { cause })));
    const guests = Array.from({ length: 24 }, () => visit(`ws://127.0.0.1:${port}/realtime`));
    try {
      await waitFor(() => guests.every(({ pids }) => pids.length === 1), { what: "all clients to be in" });
      const spread = new Set(guests.flatMap(({ pids }) => pids));
      assert(spread.size >= 2, `all on ${[...spread]}`); // the system spreads them at random
      await talk(guests, "hello");

      const [doomed] = guests[0]!.pids;
      process.kill(doomed!, "SIGKILL");
      await waitFor(() => serving().length === 4, { what: "another process", timeoutMs: 20_000 });
      await waitFor(
        () => guests.every(({ client, pids }) => client.status === "open" && pids.at(-1) !== doomed),
        {
          what: "all clients to be back",
          timeoutMs: 10_000,
        },
      );
      await talk(guests, "again");
    } finally {
      await Promise.all(guests.map(({ client }) => client.close()));
    }
    program.interrupt();
    const { code, output } = await program.ended();
    assertEquals([code, output.includes("rror")], [0, false], output);
    assertEquals(serving().filter(isAlive), []);
  },
  { timeoutMs: 60_000 },
);
