/**
 * The relay's list of nodes and their channels.
 *
 * @module
 */

import type { Window } from "./window.ts";
import type { Entries, RelayFrame } from "./frame.ts";

/** A node, as the relay sees it. */
export interface Member {
  readonly group: Group;
  readonly nodeId: string;
  /** The bytes that were sent to it and not read. */
  readonly window: Window;
  /** The channels that it subscribes to. */
  readonly channels: Set<string>;
  /** Sends it a frame. */
  say(frame: RelayFrame): void;
  /** The node does not read: ends its session. */
  overflow(): void;
}

/** The nodes with one prefix. */
export class Group {
  readonly #members = new Set<Member>();
  readonly #listeners = new Map<string, Set<Member>>();

  /** How many nodes there are. */
  get size(): number {
    return this.#members.size;
  }

  /** Adds a node. */
  add(member: Member): void {
    this.#members.add(member);
  }

  /** Removes a node. */
  remove(member: Member): void {
    this.unsubscribe(member, member.channels);
    this.#members.delete(member);
  }

  /** Subscribes a node to channels. */
  subscribe(member: Member, channels: Iterable<string>): void {
    for (const channel of channels) {
      member.channels.add(channel);
      let listeners = this.#listeners.get(channel);
      if (!listeners) this.#listeners.set(channel, listeners = new Set());
      listeners.add(member);
    }
  }

  /** Ends a node's subscriptions to channels. */
  unsubscribe(member: Member, channels: Iterable<string>): void {
    for (const channel of channels) {
      member.channels.delete(channel);
      const listeners = this.#listeners.get(channel);
      if (listeners?.delete(member) && listeners.size === 0) this.#listeners.delete(channel);
    }
  }

  /** How many nodes subscribe to a channel. */
  count(channel: string): number {
    return this.#listeners.get(channel)?.size ?? 0;
  }

  /** Passes a node's messages on to the nodes that subscribe, with one frame for each. */
  publish(from: Member, entries: Entries): void {
    const frames = new Map<Member, string[]>();
    for (let i = 0; i < entries.length; i += 2) {
      const [channel, data] = [entries[i]!, entries[i + 1]!];
      for (const member of this.#listeners.get(channel) ?? []) {
        if (member === from) continue;
        if (!member.window.takes(channel.length + data.length)) {
          frames.delete(member);
          member.overflow(); // this ends its subscriptions
          continue;
        }
        const frame = frames.get(member);
        if (frame) frame.push(channel, data);
        else frames.set(member, [channel, data]);
      }
    }
    for (const [member, frame] of frames) member.say(["msg", frame, member.window.ask()]);
  }

  /** The process of a node has ended: tells the other nodes. */
  mourn(nodeId: string): void {
    for (const { say } of this.#members) say(["gone", nodeId]);
  }
}
