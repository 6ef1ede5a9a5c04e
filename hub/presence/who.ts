/**
 * Makes the presence messages for clients. Large lists are split, so that each message is small.
 *
 * @module
 */

import {
  type MembersPage,
  type PresenceMember,
  type PresencePage,
  utf8Size,
  type WhoChange,
  type WireMember,
  writeJson,
} from "../../contract/mod.ts";
import { OutgoingMessage } from "../outbox/outgoing_message.ts";
import type { ViewNews, ViewSnapshot } from "./view.ts";
import type { Watched } from "./watchers.ts";

/** The limit of members in one message, in bytes. A larger member gets a message of its own. */
const PAGE_BYTES = 16 * 1024;

/** The size limit of a page that a client asked for, in bytes. */
const ASKED_PAGE_BYTES = 64 * 1024;

/** The members in one message, and their nodes. */
class Page {
  readonly nodes: string[] = [];
  readonly members: WireMember[] = [];
  readonly out: string[] = [];
  bytes = 0;

  /** Adds a member. Returns `false` if there is no room for it. */
  add(member: PresenceMember, maxBytes: number): boolean {
    const { id, user, node, state } = member;
    const known = this.nodes.indexOf(node);
    const index = known < 0 ? this.nodes.length : known;
    const head = [id, user === undefined ? 0 : user === id ? 1 : user, index] as const;
    const tuple: WireMember = state === undefined ? head : [...head, state];
    if (!this.#fits(utf8Size(writeJson(tuple)) + (known < 0 ? node.length + 3 : 0), maxBytes)) return false;
    if (known < 0) this.nodes.push(node);
    this.members.push(tuple);
    return true;
  }

  /** Adds the id of a member that has left. Returns `false` if there is no room for it. */
  drop(id: string, maxBytes: number): boolean {
    if (!this.#fits(utf8Size(id) + 3, maxBytes)) return false;
    this.out.push(id);
    return true;
  }

  /** Its content, under the names of the wire. */
  told(name: "all" | "in"): WhoChange {
    const { nodes, members, out } = this;
    return {
      ...(nodes.length > 0 && { nodes }),
      ...((members.length > 0 || name === "all") && { [name]: members }),
      ...(out.length > 0 && { out }),
    };
  }

  /** Whether this many bytes fit. Counts the commas and brackets too. */
  #fits(bytes: number, maxBytes: number): boolean {
    if (this.bytes > 0 && this.bytes + bytes + 2 > maxBytes) return false;
    this.bytes += bytes + 1;
    return true;
  }
}

/** All members, in pages. */
function* listed(members: Iterable<PresenceMember>, end: WhoChange): Generator<WhoChange> {
  let page = new Page();
  let name: "all" | "in" = "all";
  for (const member of members) {
    if (page.add(member, PAGE_BYTES)) continue;
    yield { ...page.told(name), more: true };
    page = new Page();
    name = "in";
    page.add(member, PAGE_BYTES);
  }
  yield { ...page.told(name), ...end };
}

/** Changes, in pages. */
function* changed({ changes, count }: ViewNews & { readonly type: "changes" }): Generator<WhoChange> {
  let page = new Page();
  const put = ({ type, member }: typeof changes[number]) =>
    type === "leave" ? page.drop(member.id, PAGE_BYTES) : page.add(member, PAGE_BYTES);
  for (const change of changes) {
    if (put(change)) continue;
    yield page.told("in");
    page = new Page();
    put(change);
  }
  yield { ...page.told("in"), count };
}

function changesOf(news: ViewNews): Iterable<WhoChange> {
  switch (news.type) {
    case "changes":
      return changed(news);
    case "all":
      return listed(news.members, { count: news.count });
    case "count":
      return [{ listed: false, count: news.count }];
    case "whole":
      return [{ synced: news.whole }];
  }
}

/** The place of a channel, as clients name it: without the role of a topic. */
const nameOf = (channel: string): string => channel.replace(/^topic@[^:]*:/, "topic:");

/**
 * Makes a message.
 *
 * @param watched The place.
 * @param change The change.
 */
export function who({ place, by }: Watched, change: WhoChange): OutgoingMessage {
  return new OutgoingMessage(["who", nameOf(place), by, change]);
}

/**
 * Makes the messages with news for all watchers of a place.
 *
 * @param watched The place.
 * @param news The news.
 */
export function whoMessages(watched: Watched, news: ViewNews): OutgoingMessage[] {
  return Array.from(changesOf(news), (change) => who(watched, change));
}

/**
 * Makes the first messages for a new watcher.
 *
 * @param watched The place.
 * @param snapshot The members.
 */
export function snapshotMessages(watched: Watched, snapshot: ViewSnapshot): OutgoingMessage[] {
  const { count, whole: synced } = snapshot;
  const changes = snapshot.listed
    ? listed(snapshot.members, { count, synced })
    : [{ listed: false, count, synced }];
  return Array.from(changes, (change) => who(watched, change));
}

/**
 * Makes the answer to a client that asks for members.
 *
 * @param page The members.
 * @returns The answer; or, if the page is too large, the number of members that fit. The caller must read a smaller
 * page then, because only the source knows the cursor after it.
 */
export function toMembersPage({ members, count, cursor }: PresencePage): MembersPage | number {
  const page = new Page();
  const fitting = members.findIndex((member) => !page.add(member, ASKED_PAGE_BYTES));
  if (fitting > 0) return fitting;
  return { nodes: page.nodes, members: page.members, count, ...(cursor !== undefined && { cursor }) };
}
