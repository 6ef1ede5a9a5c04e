/**
 * A client written from `docs/protocol.md` alone. It imports nothing of the project, and must stay so: it shows that the
 * document is enough.
 *
 * @module
 */

type Position = [epoch: string, offset: number];
type Message = [kind: string, ...rest: unknown[]];

/** An error as the server sent it. */
export class TinyError extends Error {
  constructor(readonly code: string, message: string, readonly data?: unknown) {
    super(message);
  }
}

/** A subscription as its user sees it. */
export interface TinySubscription {
  readonly messages: unknown[];
  /** For every time that it went live or saw a gap: whether nothing is missing. */
  readonly recoveries: boolean[];
  position?: Position;
  live: boolean;
}

type Member = [id: string, user: string | 0 | 1, node: number, state?: unknown];

/** A server's message about a watched place. */
interface Change {
  readonly nodes?: string[];
  readonly error?: { code: string; message: string };
  readonly listed?: boolean;
  readonly all?: Member[];
  readonly out?: string[];
  readonly in?: Member[];
  readonly more?: boolean;
  readonly count?: number;
  readonly synced?: boolean;
}

/** A watched place as its user sees it. */
export interface TinyWatch {
  /** The user, node and state of each member. */
  members: Map<string, [user: string | undefined, node: string | undefined, state: unknown]>;
  /** The events, as text. */
  readonly news: string[];
  count: number;
  listed: boolean;
  synced: boolean;
  live: boolean;
  error?: TinyError;
}

interface Waiting {
  resolve(output: unknown): void;
  reject(error: TinyError): void;
}

/** How to connect. */
export interface TinyOptions {
  readonly role: string;
  readonly token?: string;
  /** Waits before an attempt to reconnect. */
  wait(ms: number): Promise<void>;
  /** Where jitter comes from. */
  random(): number;
  readonly url: string;
}

/** A client that keeps connected. */
export class TinyClient {
  readonly welcomes: { connection: string; node: string; presence?: boolean }[] = [];
  readonly events: [name: string, payload: unknown][] = [];
  readonly faults: [code: string, about: unknown][] = [];
  readonly cancelled: number[] = [];
  readonly waits: number[] = [];
  /** The close codes seen. */
  readonly closes: number[] = [];
  pings = 0;
  readonly #options: TinyOptions;
  readonly #answers = new Map<string, (input: unknown) => unknown>();
  readonly #subscriptions = new Map<string, TinySubscription>();
  readonly #watches = new Map<string, TinyWatch>();
  /** Lists that are not at their end. */
  readonly #lists = new Map<TinyWatch, TinyWatch["members"]>();
  #socket!: WebSocket;
  #open = false;
  #done = false;
  #lastId = 0;
  #bound = 500;
  /** The requests of the server. */
  #retryInMs = 0;
  #opened = false;
  #openedAt = 0;
  #lostAt = performance.now();
  #waiting = new Map<number, Waiting>();

  constructor(options: TinyOptions) {
    this.#options = options;
    this.#connect();
  }

  get open(): boolean {
    return this.#open;
  }

  request(name: string, input?: unknown): { id: number; answer: Promise<unknown> } {
    return this.#ask((id) => input === undefined ? ["req", id, name] : ["req", id, name, input]);
  }

  cancel(id: number): void {
    this.#waiting.delete(id);
    this.send(["cancel", id]);
  }

  signal(name: string, payload: unknown): void {
    this.send(["sig", name, payload]);
  }

  answer(name: string, handler: (input: unknown) => unknown): void {
    this.#answers.set(name, handler);
  }

  subscribe(topic: string): { subscription: TinySubscription; ready: Promise<void> } {
    const subscription: TinySubscription = { messages: [], recoveries: [], live: false };
    this.#subscriptions.set(topic, subscription);
    return { subscription, ready: this.#subscribe(topic, subscription) };
  }

  unsubscribe(topic: string): void {
    this.#subscriptions.delete(topic);
    this.send(["unsub", topic]);
  }

  /** Watches a place by user; again on every connection, when `again` is called. */
  watch(place: string): { watch: TinyWatch; ready: Promise<unknown>; again(): Promise<unknown> } {
    const watch: TinyWatch = {
      members: new Map(),
      news: [],
      count: 0,
      listed: true,
      synced: false,
      live: false,
    };
    this.#watches.set(place, watch);
    const again = () => {
      const { id, answer } = this.#ask((id) => ["watch", id, place, { by: "user" }]);
      const { resolve, reject } = this.#waiting.get(id)!;
      this.#waiting.set(id, {
        resolve: (output) => {
          watch.live = true; // in this moment: the list may be right behind it
          resolve(output);
        },
        reject,
      });
      return answer;
    };
    return { watch, ready: again(), again };
  }

  unwatch(place: string): void {
    this.#watches.delete(place);
    this.send(["unwatch", place, "user"]);
  }

  state(place: string, state: unknown): Promise<unknown> {
    return this.#ask((id) => ["state", id, place, state]).answer;
  }

  members(place: string, options: object): Promise<unknown> {
    return this.#ask((id) => ["members", id, place, options]).answer;
  }

  /** Loses the link, as a network does: without `close()`. */
  lose(): void {
    this.#socket.close(3000);
  }

  /** Closes for good. */
  close(): void {
    this.#done = true;
    this.#socket.close(1000);
  }

  send(...messages: Message[]): void {
    this.#socket.send(JSON.stringify(messages));
  }

  #connect(): void {
    const { url, role, token } = this.#options;
    const socket = new WebSocket(url, ["trunkline.v1.json"]);
    this.#socket = socket;
    this.#opened = false;
    this.#retryInMs = 0;
    socket.onopen = () => {
      this.#opened = true;
      this.send(["hello", token === undefined ? { role } : { role, token }]);
    };
    socket.onmessage = ({ data }) => {
      for (const message of JSON.parse(data) as Message[]) this.#take(message);
    };
    socket.onclose = ({ code }) => this.#closed(code);
  }

  #closed(code: number): void {
    this.closes.push(code);
    const now = performance.now();
    if (this.#open && now - this.#openedAt >= 5_000) this.#bound = 500;
    if (this.#open) this.#lostAt = now;
    this.#open = false;
    for (const { reject } of this.#waiting.values()) {
      reject(new TinyError("DISCONNECTED", `Closed with ${code}`));
    }
    this.#waiting = new Map();
    for (const subscription of this.#subscriptions.values()) subscription.live = false;
    for (const watch of this.#watches.values()) watch.live = watch.synced = false;
    this.#lists.clear();
    if (this.#done || (code >= 4500 && code <= 4999)) return;
    const most = now - this.#lostAt < 60_000 && !this.#opened ? 3_000 : 30_000;
    this.#bound = Math.min(most, this.#bound);
    void this.#after(this.#bound, () => this.#connect(), this.#retryInMs);
    this.#bound *= 2;
  }

  /** Draws the time to wait, and waits. */
  async #after(maxMs: number, then: () => void, leastMs = 0): Promise<void> {
    const ms = leastMs + this.#options.random() * maxMs;
    this.waits.push(ms);
    await this.#options.wait(ms);
    if (!this.#done) then();
  }

  #take(message: Message): void {
    const [kind, a, b, c] = message as [string, never, never, never];
    switch (kind) {
      case "welcome":
        return this.#welcome(a);
      case "res":
        return this.#answered(a)?.resolve(b);
      case "err":
        return this.#answered(a)?.reject(toError(b));
      case "req":
        return void this.#work(a, b, c);
      case "cancel":
        return void this.cancelled.push(a);
      case "fault":
        this.#retryInMs = retryInMsOf(a);
        return void this.faults.push([toError(a).code, b]);
      case "ev":
        return void this.events.push([a, b]);
      case "pub":
        return void this.#subscriptions.get(a)?.messages.push(b);
      case "rec":
        return this.#record(a, b, c);
      case "gap":
        return this.#gap(a, b);
      case "end":
        return void this.#subscriptions.delete(a);
      case "who":
        return this.#who(a, c);
      case "ping":
        this.pings++;
        return this.send(["pong"]);
      case "move":
        return void this.#after(a, () => this.#socket.close(1000));
      default:
        this.#socket.close(4500);
    }
  }

  #welcome(welcome: { connection: string; node: string }): void {
    this.#open = true;
    this.#openedAt = performance.now();
    this.#lastId = 0;
    this.welcomes.push(welcome);
    for (const [topic, subscription] of this.#subscriptions) {
      this.#subscribe(topic, subscription).catch(() => {});
    }
  }

  #ask(message: (id: number) => Message): { id: number; answer: Promise<unknown> } {
    const id = ++this.#lastId;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.send(message(id));
    return { id, answer };
  }

  #answered(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  async #work(id: number, name: string, input: unknown): Promise<void> {
    const handler = this.#answers.get(name);
    if (!handler) return this.send(["err", id, { code: "NOT_FOUND", message: `No "${name}" here` }]);
    const output = await handler(input);
    if (!this.cancelled.includes(id)) this.send(["res", id, output]);
  }

  /** The answer has to be taken where it arrives: what comes right behind it counts from its position. */
  #subscribe(topic: string, subscription: TinySubscription): Promise<void> {
    const id = ++this.#lastId;
    const ready = new Promise<void>((resolve, reject) => {
      this.#waiting.set(id, {
        resolve: (output) => {
          const { position, recovered = false } = (output ?? {}) as Partial<
            { position: Position; recovered: boolean }
          >;
          if (!recovered) subscription.position = position;
          subscription.live = true;
          subscription.recoveries.push(recovered);
          resolve();
        },
        reject: (error) => {
          if (error.code !== "DISCONNECTED") this.#subscriptions.delete(topic);
          reject(error);
        },
      });
    });
    const { position } = subscription;
    this.send(position ? ["sub", id, topic, { since: position }] : ["sub", id, topic]);
    return ready;
  }

  #record(topic: string, offset: number, payload: unknown): void {
    const subscription = this.#subscriptions.get(topic);
    const position = subscription?.position;
    if (!subscription || !position || offset <= position[1]) return;
    if (offset === position[1] + 1) {
      position[1] = offset;
      subscription.messages.push(payload);
    } else if (subscription.live) {
      subscription.live = false;
      this.send(["unsub", topic]);
      this.#subscribe(topic, subscription).catch(() => {});
    }
  }

  #who(place: string, { nodes = [], all, out = [], in: put = [], ...change }: Change): void {
    const watch = this.#watches.get(place);
    if (!watch?.live) return;
    if (change.error) {
      watch.live = false;
      watch.error = toError(change.error);
      return;
    }
    if (change.listed === false) {
      watch.listed = false;
      watch.members.clear();
    }
    if (all) this.#lists.set(watch, new Map());
    const members = this.#lists.get(watch) ?? new Map(watch.members);
    for (const id of out) members.delete(id);
    for (const [id, user, node, state] of [...all ?? [], ...put]) {
      members.set(id, [user === 1 ? id : user === 0 ? undefined : user, nodes[node], state]);
    }
    if (change.more) return;
    this.#lists.delete(watch);
    this.#compare(watch, members);
    watch.count = change.count ?? watch.count;
    watch.synced = change.synced ?? watch.synced;
  }

  /** Comparing the lists shows the events. */
  #compare(watch: TinyWatch, members: TinyWatch["members"]): void {
    const before = watch.members;
    watch.members = members;
    for (const id of before.keys()) if (!members.has(id)) watch.news.push(`leave ${id}`);
    for (const [id, now] of members) {
      const known = before.get(id);
      if (!known) watch.news.push(`join ${id}`);
      else if (JSON.stringify(known) !== JSON.stringify(now)) watch.news.push(`update ${id}`);
    }
  }

  #gap(topic: string, position: Position): void {
    const subscription = this.#subscriptions.get(topic);
    if (!subscription?.live) return;
    subscription.position = position;
    subscription.recoveries.push(false);
  }
}

function toError({ code, message, data }: { code: string; message: string; data?: unknown }): TinyError {
  return new TinyError(code, message, data);
}

function retryInMsOf(error: { readonly data?: { readonly retryInMs?: unknown } }): number {
  const retryInMs = error.data?.retryInMs;
  return typeof retryInMs === "number" ? retryInMs : 0;
}
