import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { ROOT } from "../../tools/files.ts";
import { findProgram } from "../../tools/process.ts";
import { nextVersion, withRelease, withVersion } from "../../tools/releasing/texts.ts";
import { test } from "../harness.ts";

const NO_GIT = "git is not on the PATH";
const testOnGit = await findProgram("git") ? test : (name: string) => test.skip(name, NO_GIT);

const CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n";
const FILES = ["CHANGELOG.md", "deno.json", "jsr.json", "package.json"];

/** A repository in a folder of its own, on main, with the manifests of a package that was released as 1.2.3. */
class Scene implements AsyncDisposable {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async create(): Promise<Scene> {
    const scene = new Scene(await Deno.makeTempDir());
    await scene.git("init", "--quiet", "--initial-branch=main");
    await scene.git("config", "user.name", "Ann");
    await scene.git("config", "user.email", "ann@example.invalid");
    for (const file of FILES.slice(1)) await scene.write(file, manifest("1.2.3"));
    await scene.write("CHANGELOG.md", CHANGELOG);
    await scene.commit("Begin");
    await scene.git("tag", "v1.2.3");
    return scene;
  }

  read(file: string): Promise<string> {
    return Deno.readTextFile(join(this.root, file));
  }

  write(file: string, text: string): Promise<void> {
    return Deno.writeTextFile(join(this.root, file), text);
  }

  async commit(message: string): Promise<void> {
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--message", message);
  }

  async git(...args: string[]): Promise<string> {
    const { code, output } = await this.#run("git", ...args);
    assertEquals(code, 0, output);
    return output.trim();
  }

  release(...args: string[]): Promise<{ code: number; output: string }> {
    return this.#run(Deno.execPath(), "run", "--allow-all", join(ROOT, "tools/release.ts"), ...args);
  }

  /** All that a release may change. */
  async state(): Promise<unknown> {
    return {
      files: await Promise.all(FILES.map((file) => this.read(file))),
      head: await this.git("rev-parse", "HEAD"),
      tags: await this.git("tag", "--list"),
      status: await this.git("status", "--porcelain"),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }

  /** Runs a program, with nothing of this machine's settings of git. */
  async #run(program: string, ...args: string[]): Promise<{ code: number; output: string }> {
    const env = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", NO_COLOR: "1" };
    const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd: this.root, env }).output();
    const decoder = new TextDecoder();
    return { code, output: decoder.decode(stdout) + decoder.decode(stderr) };
  }
}

function manifest(version: string): string {
  return `${JSON.stringify({ name: "@a/b", version, exports: { version: "./a.ts" } }, undefined, 2)}\n`;
}

test("a step raises one part of the version and sets those after it to zero", () => {
  assertEquals(nextVersion("1.2.3", "patch"), "1.2.4");
  assertEquals(nextVersion("1.2.3", "minor"), "1.3.0");
  assertEquals(nextVersion("1.2.9", "major"), "2.0.0");
  assertEquals(nextVersion("0.1.0", "current"), "0.1.0");
  assertThrows(() => nextVersion("1.2.3-rc.1", "patch"), TypeError, 'Cannot raise the version "1.2.3-rc.1"');
});

test("a manifest gets the version and keeps the rest of its text", () => {
  assertEquals(withVersion("deno.json", manifest("1.2.3"), "1.2.3", "2.0.0"), manifest("2.0.0"));
  assertThrows(
    () => withVersion("jsr.json", manifest("1.2.2"), "1.2.3", "2.0.0"),
    Error,
    "jsr.json has the version",
  );
  const unformatted = JSON.stringify({ version: "1.2.3" });
  assertThrows(() => withVersion("jsr.json", unformatted, "1.2.3", "2.0.0"), Error, "deno fmt");
});

test("the unreleased part gets a version and a date, and there is a new heading for later changes", () => {
  const before = `${CHANGELOG}\n## [1.2.3] - 2026-01-02\n\n- Before.\n`;
  assertEquals(
    withRelease(before, "1.3.0", "2026-03-04"),
    "# Changelog\n\n## [Unreleased]\n\n## [1.3.0] - 2026-03-04\n\n### Added\n\n- A thing.\n\n" +
      "## [1.2.3] - 2026-01-02\n\n- Before.\n",
  );
  assertThrows(() => withRelease(before, "1.2.3", "2026-03-04"), Error, "a section of 1.2.3 already");
  assertThrows(
    () => withRelease("# Changelog\n", "1.3.0", "2026-03-04"),
    Error,
    'no heading "## [Unreleased]"',
  );
  const empty = "## [Unreleased]\n\n## [1.2.3] - 2026-01-02\n\n- Before.\n";
  assertThrows(() => withRelease(empty, "1.3.0", "2026-03-04"), Error, "lists nothing");
});

testOnGit("a dry run says what would be done, and changes nothing", async () => {
  await using scene = await Scene.create();
  const before = await scene.state();
  const { code, output } = await scene.release("minor", "--dry-run");
  assertEquals(code, 0, output);
  assertStringIncludes(output, "From 1.2.3 to 1.3.0");
  assertStringIncludes(
    output,
    'Would change CHANGELOG.md, deno.json, jsr.json, package.json, commit "Release 1.3.0"',
  );
  assertStringIncludes(output, "deno task test");
  assertEquals(await scene.state(), before);
});

testOnGit(
  "a release raises the version in every manifest, dates the changelog, commits and tags",
  async () => {
    await using scene = await Scene.create();
    const { code, output } = await scene.release("patch");
    assertEquals(code, 0, output);
    assertStringIncludes(output, "git push --atomic origin main v1.2.4");
    for (const file of FILES.slice(1)) assertEquals(await scene.read(file), manifest("1.2.4"));
    assertMatch(
      await scene.read("CHANGELOG.md"),
      /## \[Unreleased\]\n\n## \[1\.2\.4\] - \d{4}-\d\d-\d\d\n\n### Added/,
    );
    assertEquals(await scene.git("status", "--porcelain"), "");
    assertEquals(await scene.git("log", "-1", "--format=%s"), "Release 1.2.4");
    assertEquals(await scene.git("rev-parse", "v1.2.4^{commit}"), await scene.git("rev-parse", "HEAD"));
    assertEquals(await scene.git("cat-file", "-t", "v1.2.4"), "tag");
  },
);

testOnGit("the first release has the version that the manifests have, once", async () => {
  await using scene = await Scene.create();
  await scene.git("tag", "--delete", "v1.2.3");
  const skipped = await scene.release("minor");
  assertEquals(skipped.code, 1);
  assertStringIncludes(skipped.output, "1.2.3 is not released yet");
  const first = await scene.release("current");
  assertEquals(first.code, 0, first.output);
  assertEquals(await scene.git("tag", "--list"), "v1.2.3");
  assertEquals(await scene.read("deno.json"), manifest("1.2.3"));
  const again = await scene.release("current");
  assertEquals(again.code, 1);
  assertStringIncludes(again.output, "there is a tag v1.2.3 already");
});

testOnGit("a release that is not possible says why, and changes nothing", async () => {
  const cases: readonly [why: string, args: string[], spoil: (scene: Scene) => Promise<unknown>][] = [
    ['one of major, minor, patch, current, not "huge"', ["huge"], async () => {}],
    ['one of major, minor, patch, current, not ""', [], async () => {}],
    ["--fast", ["patch", "--fast"], async () => {}],
    ["changes that are not committed:\n?? new.ts", ["patch"], (scene) => scene.write("new.ts", "")],
    [
      "releases are made on main, and this is draft",
      ["patch"],
      (scene) => scene.git("switch", "--quiet", "--create", "draft"),
    ],
    ["is on no branch", ["patch"], (scene) => scene.git("switch", "--quiet", "--detach")],
    ["there is a tag v1.2.4 already", ["patch"], (scene) => scene.git("tag", "v1.2.4")],
    ['jsr.json has the version "1.0.0"', ["patch"], async (scene) => {
      await scene.write("jsr.json", manifest("1.0.0"));
      await scene.commit("Differ");
    }],
    ["lists nothing", ["patch"], async (scene) => {
      await scene.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n");
      await scene.commit("Empty");
    }],
    ["main lacks 1 commits of its upstream", ["patch"], async (scene) => {
      await scene.write("new.ts", "");
      await scene.commit("Ahead");
      await scene.git("branch", "other");
      await scene.git("reset", "--quiet", "--hard", "HEAD~1");
      await scene.git("branch", "--quiet", "--set-upstream-to=other");
    }],
  ];
  for (const [why, args, spoil] of cases) {
    await using scene = await Scene.create();
    await spoil(scene);
    const before = await scene.state();
    const { code, output } = await scene.release(...args);
    assertEquals(code, 1, `${why}: ${output}`);
    assertStringIncludes(output, why);
    assertEquals(await scene.state(), before, why);
  }
}, { timeoutMs: 60_000 });

testOnGit("a release that cannot be committed or tagged leaves everything as it was", async () => {
  const spoils: readonly [what: string, (scene: Scene) => Promise<unknown>][] = [
    ["git commit failed", (scene) => scene.git("config", "core.hooksPath", join(scene.root, "hooks"))],
    ["git tag failed", (scene) => scene.git("config", "tag.gpgSign", "true")],
  ];
  for (const [what, spoil] of spoils) {
    await using scene = await Scene.create();
    await Deno.mkdir(join(scene.root, "hooks"));
    await scene.write("hooks/pre-commit", "#!/bin/sh\nexit 1\n");
    await Deno.chmod(join(scene.root, "hooks/pre-commit"), 0o755);
    await scene.commit("Hooks");
    await spoil(scene);
    await scene.git("config", "gpg.program", "false");
    const before = await scene.state();
    const { code, output } = await scene.release("patch");
    assertEquals(code, 1, output);
    assertStringIncludes(output, `Cannot release: ${what}`);
    assertEquals(await scene.state(), before);
  }
});
