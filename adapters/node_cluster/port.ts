/**
 * The relay's end of the pipe to one process. The process may have several nodes.
 *
 * @module
 */

import { type IpcChannel, post } from "./channel.ts";
import { MARK, type NodeFrame, readNodeFrame, type RelayFrame } from "./frame.ts";
import { Group, type Member } from "./groups.ts";
import { Window } from "./window.ts";

/** The session of a frame for all sessions. */
const EVERYBODY = "*";

/** Options of {@linkcode Port}. */
export interface PortOptions {
  readonly channel: IpcChannel;
  /** The nodes of all processes, by prefix. */
  readonly groups: Map<string, Group>;
  /** How many bytes a node may leave unread. */
  readonly maxPendingBytes: number;
  /** A frame came that no node has sent. */
  onMalformed(): void;
  /** The process is gone. */
  onGone(): void;
}

/** One pipe. */
export class Port {
  readonly #options: PortOptions;
  readonly #members = new Map<string, Member>();
  readonly #onMessage = (message: unknown) => this.#hear(message);
  readonly #onGone = () => this.#gone();
  #closed = false;

  /** @param options The pipe, and the callbacks. */
  constructor(options: PortOptions) {
    this.#options = options;
    const { channel } = options;
    channel.on("message", this.#onMessage);
    channel.on("disconnect", this.#onGone);
    channel.on("exit", this.#onGone);
    this.#say(EVERYBODY, ["ready"]);
  }

  /** Ends every session. */
  close(): void {
    const { channel } = this.#options;
    channel.off("message", this.#onMessage);
    channel.off("disconnect", this.#onGone);
    channel.off("exit", this.#onGone);
    this.#closed = true;
    for (const [session, member] of this.#members) this.#end(session, member, "the relay was closed");
  }

  #say(session: string, frame: RelayFrame): void {
    post(this.#options.channel, [MARK, session, ...frame], this.#onGone);
  }

  #gone(): void {
    if (this.#closed) return;
    const members = [...this.#members];
    this.close();
    for (const [, { group, nodeId }] of members) group.mourn(nodeId);
    this.#options.onGone();
  }

  #end(session: string, member: Member, reason: string): void {
    this.#part(session, member);
    this.#say(session, ["end", reason]);
  }

  #part(session: string, member: Member): void {
    const { groups } = this.#options;
    this.#members.delete(session);
    member.group.remove(member);
    if (member.group.size > 0) return;
    for (const [prefix, group] of groups) if (group === member.group) groups.delete(prefix);
  }

  #hear(message: unknown): void {
    const read = readNodeFrame(message);
    if (read === "foreign") return;
    if (read === "malformed") return this.#options.onMalformed();
    const { session, frame } = read;
    if (frame[0] === "hello") return this.#welcome(session, frame[1], frame[2]);
    const member = this.#members.get(session);
    if (member) this.#take(session, member, frame);
    else if (frame[0] !== "bye" && frame[0] !== "took") {
      this.#say(session, ["end", "the relay does not know it"]);
    }
  }

  #welcome(session: string, prefix: string, nodeId: string): void {
    const { groups, maxPendingBytes } = this.#options;
    if (!this.#members.has(session)) {
      let group = groups.get(prefix);
      if (!group) groups.set(prefix, group = new Group());
      const member: Member = {
        group,
        nodeId,
        window: new Window(maxPendingBytes),
        channels: new Set(),
        say: (frame) => this.#say(session, frame),
        overflow: () =>
          this.#end(
            session,
            member,
            `this process does not read the relay's messages, more than ${maxPendingBytes} bytes wait`,
          ),
      };
      group.add(member);
      this.#members.set(session, member);
    }
    this.#say(session, ["welcome"]);
  }

  #take(session: string, member: Member, frame: NodeFrame): void {
    const { group } = member;
    switch (frame[0]) {
      case "sub":
        group.subscribe(member, frame[2]);
        return member.say(["done", frame[1], 0]);
      case "unsub":
        return group.unsubscribe(member, frame[1]);
      case "pub":
        group.publish(member, frame[1]);
        if (frame[2] > 0) member.say(["took", frame[2]]);
        return;
      case "count":
        return member.say(["done", frame[1], group.count(frame[2])]);
      case "ping":
        return member.say(["done", frame[1], 0]);
      case "took":
        return member.window.took(frame[1]);
      case "bye":
        return this.#part(session, member);
    }
  }
}
