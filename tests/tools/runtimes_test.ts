import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runTests } from "../../tools/testing/runtimes.ts";
import { test } from "../harness.ts";

/** Dies by a signal the first time, and reports a test that passed the second time. */
const DIES_ONCE = `
if [ ! -e "$FOLDER/died" ]; then touch "$FOLDER/died"; echo last words; kill -SEGV $$; fi
for argument; do case $argument in --junit-path=*) cp "$FOLDER/report" "\${argument#*=}";; esac; done
`;

async function runDying(file: string) {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-runtimes-"));
  try {
    await writeFile(join(folder, "report"), '<testcase name="a"/>');
    return await runTests("deno", ["/bin/sh", "-c", DIES_ONCE], [file], { FOLDER: folder });
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("tests of a native library that ends their process run a second time, which is reported", async () => {
  const cases = await runDying("tests/adapters/zeromq/a_test.ts");
  assertEquals(cases.map(({ result }) => result), ["skipped", "passed"]);
  assertStringIncludes(cases[0]!.name, "with code 139");
});

test("other tests whose process ends by a signal have failed, with the last output", async () => {
  const [{ name, result, said }, ...others] = await runDying("tests/hub/a_test.ts") as [{
    name: string;
    result: string;
    said?: string;
  }];
  assertEquals([result, others], ["failed", []]);
  assertStringIncludes(name, "code 139");
  assertStringIncludes(said!, "last words");
});

/** Keeps what it is to run: the file itself where it is one of the run's own, and its name. */
const KEEPS = `
for argument; do case $argument in
  --*|test) ;;
  /*) cat "$argument" >>"$FOLDER/given";;
  *) echo "$argument" >>"$FOLDER/given";;
esac; done
`;

test("Deno gets one file that imports the others in order, because it loads all modules again for each file, and the files that measure heaps; Bun gets all files", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-runtimes-"));
  const given = async (runtime: "deno" | "bun") => {
    const files = ["tests/hub/b_test.ts", "tests/soak/c_test.ts", "tests/hub/a_test.ts"];
    await runTests(runtime, ["/bin/sh", "-c", KEEPS, "sh"], files, { FOLDER: folder });
    const text = await readFile(join(folder, "given"), "utf8");
    await rm(join(folder, "given"));
    return text;
  };
  try {
    assertMatch(
      await given("deno"),
      /^await import\("file:.*\/tests\/hub\/b_test\.ts"\);\nawait import\("file:.*\/tests\/hub\/a_test\.ts"\);\n\.\/tests\/soak\/c_test\.ts\n$/,
    );
    assertEquals(
      await given("bun"),
      "./tests/hub/b_test.ts\n./tests/soak/c_test.ts\n./tests/hub/a_test.ts\n",
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
