/**
 * The git repository of a release.
 *
 * @module
 */

import { capture } from "../process.ts";

/** A git repository in which the release is made. */
export class Repository {
  /** Its root. */
  readonly root: string;

  /** @param root Its root. */
  constructor(root: string) {
    this.root = root;
  }

  /**
   * Finds the reason why a release is not possible now.
   *
   * @returns The reason, with what to do; `undefined` if a release is possible.
   */
  async obstacle(): Promise<string | undefined> {
    const branch = await this.#try("symbolic-ref", "--short", "HEAD");
    if (branch === undefined) return "this folder is on no branch of a git repository: switch to main";
    if (branch !== "main") return `releases are made on main, and this is ${branch}: git switch main`;
    const changes = await this.git("status", "--porcelain");
    if (changes) return `there are changes that are not committed:\n${changes}`;
    const behind = await this.#try("rev-list", "--count", "HEAD..@{upstream}");
    if (behind !== undefined && behind !== "0") {
      return `main lacks ${behind} commits of its upstream: git pull --ff-only`;
    }
    return undefined;
  }

  /**
   * Checks whether a tag exists.
   *
   * @param tag The tag's name.
   */
  async hasTag(tag: string): Promise<boolean> {
    return await this.git("tag", "--list", tag) !== "";
  }

  /**
   * Commits files, and tags the commit. If one of the two fails, files and branch are as before.
   *
   * @param files The files' paths and new texts.
   * @param message The commit's message.
   * @param tag The tag's name.
   */
  async commit(files: ReadonlyMap<string, string>, message: string, tag: string): Promise<void> {
    const before = await this.git("rev-parse", "HEAD");
    const paths = [...files.keys()];
    try {
      for (const [path, text] of files) await Deno.writeTextFile(`${this.root}/${path}`, text);
      await this.git("commit", "--quiet", "--message", message, "--", ...paths);
      await this.git("tag", "--annotate", "--message", message, tag);
    } catch (error) {
      await this.git("reset", "--quiet", "--soft", before);
      await this.git("restore", "--staged", "--worktree", "--", ...paths);
      throw error;
    }
  }

  /** Runs git, and returns its output. */
  async git(...args: string[]): Promise<string> {
    const { code, output } = await capture(["git", ...args], this.root);
    if (code !== 0) throw new Error(`git ${args[0]} failed: ${output.trim()}`);
    return output.trim();
  }

  /** The same, for commands that may fail. */
  async #try(...args: string[]): Promise<string | undefined> {
    const { code, output } = await capture(["git", ...args], this.root);
    return code === 0 ? output.trim() : undefined;
  }
}
