/**
 * The repository that is released, by git.
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
   * Tells why nothing can be released from here.
   *
   * @returns What is in the way, and what to do about it, or `undefined` when nothing is.
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
   * Tells whether there is a tag.
   *
   * @param tag The tag's name.
   */
  async hasTag(tag: string): Promise<boolean> {
    return await this.git("tag", "--list", tag) !== "";
  }

  /**
   * Commits files, and tags the commit. When one of the two fails, files and branch are as before.
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

  /** Runs git, and answers what it prints. */
  async git(...args: string[]): Promise<string> {
    const { code, output } = await capture(["git", ...args], this.root);
    if (code !== 0) throw new Error(`git ${args[0]} failed: ${output.trim()}`);
    return output.trim();
  }

  /** The same, of what may fail. */
  async #try(...args: string[]): Promise<string | undefined> {
    const { code, output } = await capture(["git", ...args], this.root);
    return code === 0 ? output.trim() : undefined;
  }
}
