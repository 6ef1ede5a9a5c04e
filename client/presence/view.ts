/**
 * The view of a room or topic that a user of the client holds.
 *
 * @module
 */

import {
  abortReason,
  asMembersPage,
  callEach,
  defer,
  HubError,
  parseNow,
  type PresenceBy,
  type PresenceChange,
  type PresenceMember,
  type PresencePage,
} from "../../contract/mod.ts";
import { checkListener } from "../../contract/options/check_listener.ts";
import { CALL, count, oneOf, text } from "../../contract/options/option_kinds.ts";
import { optional, or, readOptions, type Rows } from "../../contract/options/read_options.ts";
import type { ClientParts } from "../client.ts";
import { keep } from "../requests.ts";
import type { MembersOptions, PresenceEvents, PresenceStatus, PresenceView } from "./api.ts";
import { checkPresence } from "./check_presence.ts";
import { Reader } from "./reader.ts";
import type { Viewer, Watch } from "./watch.ts";

type Events = PresenceEvents<unknown>;

/** A listener of any event. */
type Call = (value: never) => unknown;

const event = /* @__PURE__ */ oneOf<keyof Events>("join", "leave", "update", "count", "sync");

const PAGE = {
  ...CALL,
  limit: or(count({ max: 1_000 }), 100),
  cursor: optional(text),
} satisfies Rows<MembersOptions>;

/** A view of a watched place. */
export class View implements PresenceView<unknown>, Viewer {
  heeded = false;
  readonly #watch: Watch;
  readonly #parts: ClientParts;
  readonly #onSet: (state: unknown, asked: Promise<unknown>) => Promise<void>;
  readonly #signal: AbortSignal | undefined;
  readonly #ready = defer<void>();
  readonly #closed = defer<HubError | undefined>();
  readonly #listeners = new Map<string, Set<{ readonly call: Call }>>();
  readonly #readers = new Set<Reader<PresenceChange>>();
  readonly #onAbort = () => this.#end(abortReason(this.#signal!));
  /** Why the view has ended; `undefined` while it is open. */
  #over: { readonly cause: HubError | undefined } | undefined;

  /**
   * @param watch The watch that the view shows.
   * @param parts The parts of the client.
   * @param signal Closes the view.
   * @param onSet Called with a state and the request that sets it. Its promise settles as that request does.
   */
  constructor(
    watch: Watch,
    parts: ClientParts,
    signal: AbortSignal | undefined,
    onSet: (state: unknown, asked: Promise<unknown>) => Promise<void>,
  ) {
    this.#watch = watch;
    this.#parts = parts;
    this.#signal = signal;
    this.#onSet = onSet;
    this.#ready.promise.catch(() => {});
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (watch.synced) this.#ready.resolve();
  }

  get name(): string {
    return this.#watch.watched.name;
  }

  get by(): PresenceBy {
    return this.#watch.watched.by;
  }

  get ready(): Promise<void> {
    this.heeded = true;
    return this.#ready.promise;
  }

  get closed(): Promise<HubError | undefined> {
    return this.#closed.promise;
  }

  get status(): PresenceStatus {
    return this.#over ? "ended" : this.#watch.synced ? "live" : "syncing";
  }

  get synced(): boolean {
    return this.status === "live";
  }

  get count(): number {
    return this.#watch.count;
  }

  get listed(): boolean {
    return this.#watch.listed;
  }

  list(): readonly PresenceMember[] {
    return this.#watch.list();
  }

  async page(options?: MembersOptions): Promise<PresencePage> {
    const { limit, cursor, ...call } = readOptions("page", options, PAGE);
    const page = asMembersPage(await this.#ask("members", { by: this.by, limit, cursor }, call));
    const { nodes, members, count: all, cursor: next } = page;
    return {
      members: members.map((member) => this.#watch.read(member, nodes)),
      count: all,
      ...(next !== undefined && { cursor: next }),
    };
  }

  on<E extends keyof Events>(name: E, listener: (value: Events[E]) => unknown): () => void {
    event(name, { owner: "on", path: "the event" });
    checkListener(listener, `on("${name}")`);
    const call = { call: listener };
    const listeners = this.#listeners.get(name) ?? new Set();
    if (!this.#over) this.#listeners.set(name, listeners.add(call));
    return () => void listeners.delete(call);
  }

  async set(state: unknown): Promise<void> {
    const { clientsSet, pattern, state: schema } = this.#watch.watched.declared;
    if (!clientsSet) {
      throw new HubError(
        "FORBIDDEN",
        `Cannot set a state in "${this.name}": the contract has no clientsSet at "${pattern}". Set clientsSet: true there`,
      );
    }
    parseNow(schema, state, "state in", this.name);
    // The state may be sent again much later, so the current value is kept.
    const { payload } = keep({ kind: "state", name: this.name, payload: state });
    await this.#onSet(payload, this.#ask("state", payload));
  }

  close(): void {
    this.#end(this.#closing());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.close());
  }

  [Symbol.asyncIterator](): AsyncIterator<PresenceChange> {
    const reader = new Reader<PresenceChange>((reader) => this.#readers.delete(reader));
    this.#readers.add(reader);
    if (this.#over) reader.end(this.#over.cause);
    return reader;
  }

  tell<E extends keyof Events>(event: E, value: Events[E], change?: PresenceChange): void {
    if (change) { for (const reader of this.#readers) reader.push(change); }
    callEach<{ readonly call: Call }>(
      this.#listeners.get(event) ?? new Set(),
      ({ call }) => call(value as never),
      (error) => this.#parts.settings.report(error, { stage: "presence", name: this.name }),
    );
  }

  sync(): void {
    this.#ready.resolve();
    this.tell("sync", undefined);
  }

  fail(cause: HubError): void {
    this.#end(cause, cause);
  }

  async #ask(kind: "state" | "members", payload: unknown, call?: object): Promise<unknown> {
    if (this.#over) throw this.#over.cause ?? this.#closing();
    const question = { kind, name: this.#watch.watched.place, payload, check: checkPresence };
    return await this.#parts.requests.ask(question, call);
  }

  #closing(): HubError {
    return new HubError("DISCONNECTED", `The view of "${this.name}" is closed`);
  }

  #end(reason: unknown, cause?: HubError): void {
    if (this.#over) return;
    this.#over = { cause };
    this.#signal?.removeEventListener("abort", this.#onAbort);
    for (const listeners of this.#listeners.values()) listeners.clear();
    this.#listeners.clear();
    for (const reader of this.#readers) reader.end(cause);
    this.#ready.reject(reason);
    this.#closed.resolve(cause);
    this.#watch.leave(this);
  }
}
