import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { findProgram } from "../../tools/process.ts";
import { describeLacks } from "../../tools/testing/permission.ts";
import { test, waitFor } from "../harness.ts";

const script = await findProgram("script");
const testOnTerminal = Deno.build.os !== "linux" || !script
  ? (name: string) => test.skip(name, "there is no script of util-linux, which makes a terminal")
  : Deno.uid() !== 0
  ? (name: string) => test.skip(name, "only root could install, so nobody else is asked")
  : test;

/** Shown by an apt-get that installs nothing, which stands where the real one would change this machine. */
const APT = '#!/bin/sh\necho "apt-get was called: $*"\nexit 100\n';

/** `deno task test` for tests that need a browser, where the PATH has nothing but apt-get. */
class Run implements AsyncDisposable {
  readonly #folder: string;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  output = "";

  private constructor(folder: string, program: string, args: string[]) {
    this.#folder = folder;
    this.#child = new Deno.Command(program, {
      args,
      env: { PATH: folder, SHELL: "/bin/sh", TERM: "xterm", NO_COLOR: "1", CHROMIUM: "" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    const text = this.#child.stdout.pipeThrough(new TextDecoderStream());
    this.#reading = (async () => {
      for await (const part of text) this.output += part;
    })();
  }

  /** Starts it. */
  static async start(options: { terminal: boolean; args?: string[] }): Promise<Run> {
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(join(folder, "apt-get"), APT, { mode: 0o755 });
    const command = ["run", "--allow-all", "tools/test.ts", "tests/browser/client", "tests/browser/waking"];
    const args = [...command, ...options.args ?? []];
    if (!options.terminal) return new Run(folder, Deno.execPath(), args);
    const line = [Deno.execPath(), ...args].join(" ");
    return new Run(folder, script!, ["--quiet", "--return", "--flush", "--command", line, "/dev/null"]);
  }

  /** Answers the question once it is asked. */
  async answer(text: string): Promise<void> {
    await waitFor(() => this.output.includes("[y/N]"), { timeoutMs: 30_000, what: "the question" });
    await this.#input.write(new TextEncoder().encode(text));
  }

  async ended(): Promise<number> {
    await this.#reading;
    return (await this.#child.status).code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {}); // it may have ended
    await this.ended();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

test("missing programs are listed with their size, their tests and how to run without them", () => {
  const text = describeLacks([
    { name: "chromium", megabytes: 710, files: ["tests/browser/a_test.ts"], variable: "CHROMIUM" },
    {
      name: "redis-server",
      megabytes: 10,
      files: [
        "tests/a/a_test.ts",
        "tests/b/b_test.ts",
        "tests/b/c_test.ts",
        "tests/c/c_test.ts",
        "tests/d/d_test.ts",
      ],
      variable: "REDIS_SERVER",
    },
  ]);
  const lines = text.split("\n");
  assertEquals(lines.slice(2, 4), [
    "  chromium      about 710 MB on disk, for 1 file in tests/browser; or set CHROMIUM to yours",
    "  redis-server  about 10 MB on disk, for 5 files in tests/a, tests/b, tests/c and others; or set " +
    "REDIS_SERVER to yours",
  ]);
  assertStringIncludes(text, "Together about 720 MB");
  assertStringIncludes(text, "--no-install");
});

testOnTerminal(
  "on a terminal nothing is installed before the user says yes, and an empty answer means no",
  async () => {
    for (const answer of ["n\r", "\r"]) {
      await using run = await Run.start({ terminal: true });
      await run.answer(answer);
      await run.ended();
      assertStringIncludes(run.output, "not installed: you did not say yes");
      assertEquals(run.output.includes("apt-get was called"), false, run.output);
    }
  },
  { timeoutMs: 60_000 },
);

testOnTerminal("on a terminal a yes installs, and Ctrl+C ends the run", async () => {
  await using agreed = await Run.start({ terminal: true });
  await agreed.answer("yes\r");
  await agreed.ended();
  assertStringIncludes(agreed.output, "apt-get was called: update");
  await using interrupted = await Run.start({ terminal: true });
  await interrupted.answer("\x03");
  assertEquals(await interrupted.ended(), 130, interrupted.output);
  assertEquals(interrupted.output.includes("no runtime"), false, interrupted.output);
}, { timeoutMs: 60_000 });

testOnTerminal("there is no question without a terminal, nor if the arguments have answered it", async () => {
  await using alone = await Run.start({ terminal: false });
  await alone.ended();
  assertStringIncludes(alone.output, "apt-get was called: update");
  await using forbidden = await Run.start({ terminal: true, args: ["--no-install"] });
  await forbidden.ended();
  assertStringIncludes(forbidden.output, "installing is switched off by --no-install");
  for (const { output } of [alone, forbidden]) assertEquals(output.includes("[y/N]"), false, output);
}, { timeoutMs: 60_000 });
