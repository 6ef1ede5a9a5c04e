/**
 * The order of the site: its sections, and the documents in each.
 *
 * @module
 */

/** A part of the site. */
export interface Section {
  readonly title: string;
  /** Paths of documents in the repository. */
  readonly pages: readonly string[];
}

const pages = (folder: string, ...names: string[]) => names.map((name) => `docs/${folder}/${name}.md`);

/** All sections except the decisions, which are listed by number. */
export const SECTIONS: readonly Section[] = [
  {
    title: "Start",
    pages: [...pages("start", "deno", "bun", "hono", "browser", "node"), "docs/concepts.md"],
  },
  {
    title: "Guide: begin",
    pages: [
      "docs/guide.md",
      ...pages(
        "guide",
        "contract",
        "parsing",
        "server",
        "modules",
        "middleware",
        "serve",
        "client",
        "connection",
      ),
    ],
  },
  { title: "Guide: let people in", pages: pages("guide", "authentication", "authorization") },
  {
    title: "Guide: send",
    pages: pages("guide", "rooms", "rejoin", "topics", "send", "ask", "jobs", "bytes"),
  },
  {
    title: "Guide: lose nothing",
    pages: pages(
      "guide",
      "history",
      "history-stores",
      "publish-once",
      "state",
      "room-history",
      "transactions",
      "once",
    ),
  },
  { title: "Guide: several servers", pages: pages("guide", "presence", "bus", "cluster") },
  { title: "Guide: run it", pages: pages("guide", "errors", "limits", "options", "shutdown", "testing") },
  {
    title: "Recipes",
    pages: pages("recipes", "chat", "react", "vue", "svelte", "next", "auth", "files", "ai-stream", "typing"),
  },
  { title: "Coming from", pages: pages("coming-from", "socket-io", "crossws", "pusher") },
  {
    title: "Deploy",
    pages: [
      ...pages("deploy", "docker", "kubernetes", "fly", "systemd", "deno-deploy"),
      "docs/operations.md",
      "SECURITY.md",
    ],
  },
  {
    title: "Reference",
    pages: [
      "docs/troubleshooting.md",
      "docs/requirements.md",
      "docs/api.md",
      "docs/adapters.md",
      "docs/protocol.md",
      "bench/README.md",
      "docs/comparison.md",
      "examples/README.md",
      "CHANGELOG.md",
    ],
  },
  { title: "Take part", pages: ["CONTRIBUTING.md", "CODE_OF_CONDUCT.md"] },
];

/** Pages without an outline, because their tables need the room. */
export const WIDE: readonly string[] = ["docs/adapters.md", "docs/comparison.md"];
