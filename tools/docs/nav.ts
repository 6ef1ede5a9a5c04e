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

const guide = (...names: string[]) => names.map((name) => `docs/guide/${name}.md`);

/** All sections but the decisions, which are listed by number. */
export const SECTIONS: readonly Section[] = [
  {
    title: "Guide: begin",
    pages: ["docs/guide.md", ...guide("contract", "parsing", "server", "serve", "client", "connection")],
  },
  { title: "Guide: let people in", pages: guide("authentication", "authorization") },
  { title: "Guide: send", pages: guide("rooms", "topics", "send", "ask", "jobs", "bytes") },
  {
    title: "Guide: lose nothing",
    pages: guide(
      "history",
      "history-stores",
      "publish-once",
      "state",
      "room-history",
      "transactions",
      "once",
    ),
  },
  { title: "Guide: several servers", pages: guide("presence", "bus", "cluster") },
  { title: "Guide: run it", pages: guide("errors", "limits", "options", "shutdown", "testing") },
  { title: "Deploy", pages: ["docs/operations.md", "SECURITY.md"] },
  {
    title: "Reference",
    pages: ["docs/adapters.md", "docs/protocol.md", "bench/README.md", "examples/README.md", "CHANGELOG.md"],
  },
  { title: "Take part", pages: ["CONTRIBUTING.md", "CODE_OF_CONDUCT.md"] },
];
