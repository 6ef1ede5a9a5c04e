/**
 * Who is in a place, as clients are told: messages of the wire that are small, whatever there is to tell.
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

/** So many bytes of members share a message at the most; a member that is larger has one of its own. */
const PAGE_BYTES = 16 * 1024;

/** What a page of members may have on its way to a client that asked for it. */
const ASKED_PAGE_BYTES = 64 * 1024;

/** Members for one message, and the nodes that they are on. */
class Page {
  readonly nodes: string[] = [];
  readonly members: WireMember[] = [];
  readonly out: string[] = [];
  bytes = 0;

  /** Puts a member in, unless there is no room for it. */
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

  /** Puts the id of a member in who is gone, unless there is no room for it. */
  drop(id: string, maxBytes: number): boolean {
    if (!this.#fits(utf8Size(id) + 3, maxBytes)) return false;
    this.out.push(id);
    return true;
  }

  /** What it holds, under the names of the wire. */
  told(name: "all" | "in"): WhoChange {
    const { nodes, members, out } = this;
    return {
      ...(nodes.length > 0 && { nodes }),
      ...((members.length > 0 || name === "all") && { [name]: members }),
      ...(out.length > 0 && { out }),
    };
  }

  /** Each has a comma, or the brackets, around it. */
  #fits(bytes: number, maxBytes: number): boolean {
    if (this.bytes > 0 && this.bytes + bytes + 2 > maxBytes) return false;
    this.bytes += bytes + 1;
    return true;
  }
}

/** Everybody, in pages. */
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

/** Differences, in pages. */
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

/** The place of a channel, as clients call it: they do not say whose topic it is. */
const nameOf = (channel: string): string => channel.replace(/^topic@[^:]*:/, "topic:");

/**
 * Makes a message.
 *
 * @param watched What is watched.
 * @param change What has become of it.
 */
export function who({ place, by }: Watched, change: WhoChange): OutgoingMessage {
  return new OutgoingMessage(["who", nameOf(place), by, change]);
}

/**
 * The messages that tell all watchers of a place what has become of it.
 *
 * @param watched What is watched.
 * @param news What has become of it.
 */
export function whoMessages(watched: Watched, news: ViewNews): OutgoingMessage[] {
  return Array.from(changesOf(news), (change) => who(watched, change));
}

/**
 * The messages that tell a newcomer who is there.
 *
 * @param watched What is watched.
 * @param snapshot Who is there.
 */
export function snapshotMessages(watched: Watched, snapshot: ViewSnapshot): OutgoingMessage[] {
  const { count, whole: synced } = snapshot;
  const changes = snapshot.listed
    ? listed(snapshot.members, { count, synced })
    : [{ listed: false, count, synced }];
  return Array.from(changes, (change) => who(watched, change));
}

/**
 * The answer to a client that asks for members.
 *
 * @param page The members.
 * @returns Where they are more than one message should hold, how many it would: only the source knows the cursor after those.
 */
export function toMembersPage({ members, count, cursor }: PresencePage): MembersPage | number {
  const page = new Page();
  const fitting = members.findIndex((member) => !page.add(member, ASKED_PAGE_BYTES));
  if (fitting > 0) return fitting;
  return { nodes: page.nodes, members: page.members, count, ...(cursor !== undefined && { cursor }) };
}
