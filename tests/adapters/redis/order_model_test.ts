/**
 * Scripts of one row take effect in the order of their calls, in a model of servers that forget scripts, refuse for a
 * while, lose connections, and answer late.
 */
import { assert, assertEquals } from "@std/assert";
import { Batches, NotSentError, type RedisCommand } from "../../../adapters/kit/redis/reach.ts";
import { script } from "../../../adapters/kit/redis/script.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test } from "../../harness.ts";
import { microtasks } from "../../hub/wires.ts";

const SCRIPTS = [script("return 1"), script("return 2")] as const;
const ROWS = ["x", "y"] as const;
const MOVED = "MOVED 1 127.0.0.1:2";
const REFUSALS = ["TRYAGAIN It moves", "LOADING It loads", MOVED, "CLUSTERDOWN No"];

/** Whole numbers below a limit, the same in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed * 7_919 + 1;
  return (below) => (state = (state * 48_271) % 2_147_483_647) % below;
}

/** A write on its way. */
interface Write {
  readonly commands: readonly RedisCommand[];
  readonly replies: unknown[];
  answer(replies: readonly unknown[]): void;
}

/** A server that does the commands of each connection in their order, but not at once. */
class Servers {
  /** The calls that took effect, in that order. */
  readonly done: string[] = [];
  readonly known = new Set<string>();
  refusal: string | undefined;
  isConnected = true;
  /** The writes of each connection, the newest connection last. */
  #connections: Write[][] = [[]];
  readonly #draw: (below: number) => number;

  constructor(draw: (below: number) => number) {
    this.#draw = draw;
  }

  run(commands: readonly RedisCommand[]): Promise<readonly unknown[]> {
    if (!this.isConnected) return Promise.reject(new NotSentError("No connection"));
    return new Promise((answer) => this.#connections.at(-1)!.push({ commands, replies: [], answer }));
  }

  /** Does a command of one of the connections, or sends an answer. Returns whether there was anything to do. */
  step(): boolean {
    const busy = this.#connections.filter((writes) => writes.length > 0);
    if (busy.length === 0) return false;
    const writes = busy[this.#draw(busy.length)]!;
    const doing = writes.find(({ commands, replies }) => replies.length < commands.length);
    if (doing && this.#draw(4) > 0) {
      const reply = writes === this.#connections.at(-1)
        ? this.#do(doing.commands[doing.replies.length]!)
        : new Error(MOVED);
      doing.replies.push(reply);
    } else if (writes[0] !== doing) this.#answer(writes);
    return true;
  }

  #answer(writes: Write[]): void {
    const { replies, answer } = writes.shift()!;
    answer(replies);
  }

  #do([name, ...args]: RedisCommand): unknown {
    if (this.refusal) return new Error(this.refusal);
    const [body, id] = [args[0]!, args.at(-1)!];
    const sha = name === "EVAL" ? SCRIPTS.find(({ text }) => text === body)!.sha : body;
    if (name === "EVAL") this.known.add(sha);
    if (!this.known.has(sha)) return new Error("NOSCRIPT No matching script");
    this.done.push(id);
    return id;
  }

  /** Ends the newest connection. What it has not done yet it does, or not. Another connection takes its place. */
  lose(): void {
    const writes = this.#connections.at(-1)!;
    for (const { commands, replies, answer } of writes) {
      while (replies.length < commands.length && this.#draw(2)) {
        this.#do(commands[replies.length]!), replies.push(0);
      }
      const heard = this.#draw(replies.length + 1);
      answer(
        commands.map((_, i) =>
          i < heard && replies[i] !== 0 ? replies[i] : new Error("Connection is closed.")
        ),
      );
    }
    writes.length = 0;
    this.isConnected = false;
  }

  /** The calls go to another server now. The one before does nothing any more, but its answers may still come. */
  connect(): void {
    this.isConnected = true;
    this.#connections.push([]);
  }
}

/** One run. Returns how many calls were confirmed, and how many were refused. */
async function life(seed: number, isPatient: boolean): Promise<[confirmed: number, refused: number]> {
  const draw = seeded(seed);
  const clock = new FakeClock();
  const servers = new Servers(draw);
  const patience = {
    clock,
    ms: 200,
    isForNow: ({ message }: Error) => REFUSALS.includes(message),
  };
  const batches = new Batches({
    partOf: () => 0,
    keysOf: () => "",
    run: (_part, commands) => servers.run(commands),
    explain: (error) => error,
    ...(isPatient && { patience }),
  }, clock);
  const calls: { row: string | undefined; id: string; outcome?: "confirmed" | "refused" }[] = [];
  const call = () => {
    const one: typeof calls[number] = { row: ROWS[draw(3)], id: `${calls.length}` };
    calls.push(one);
    batches.runPatiently(one.row, 0, SCRIPTS[draw(2)]!, [], one.id).then(
      () => one.outcome = "confirmed",
      () => one.outcome = "refused",
    );
  };
  const acts: readonly (() => void)[] = [
    call,
    call,
    call,
    () => servers.step(),
    () => servers.step(),
    () => servers.step(),
    () => servers.step(),
    () => clock.advance(draw(30)),
    () => servers.known.clear(),
    () => servers.known.add(SCRIPTS[draw(2)]!.sha),
    () => servers.refusal = draw(3) ? undefined : REFUSALS[draw(REFUSALS.length)],
    () => !servers.isConnected || draw(20) === 0 ? servers.connect() : draw(6) === 0 && servers.lose(),
  ];
  for (let i = 0; i < 150; i++) {
    acts[draw(acts.length)]!();
    await microtasks(draw(3) * 10);
  }
  servers.refusal = undefined;
  servers.connect();
  call();
  for (let i = 0; calls.some(({ outcome }) => !outcome); i++) {
    assert(
      i < 5_000,
      `seed ${seed}: calls hang: ${calls.filter(({ outcome }) => !outcome).map(({ id }) => id)}`,
    );
    servers.step();
    clock.advance(5);
    await microtasks();
  }
  clock.advance(1_000);
  assertEquals([clock.pending, servers.step()], [0, false], `seed ${seed}: something is left over`);
  assertEquals(calls.at(-1)!.outcome, "confirmed", `seed ${seed}: a call to a healthy server was refused`);
  assertEquals(new Set(servers.done).size, servers.done.length, `seed ${seed}: a call was done twice`);
  for (const row of ROWS) {
    const kept = calls.filter((one) => one.row === row && one.outcome === "confirmed").map(({ id }) => id);
    const done = servers.done.filter((id) => kept.includes(id));
    assertEquals(done, kept, `seed ${seed}: the calls of the row ${row} took effect in another order`);
  }
  const confirmed = calls.filter(({ outcome }) => outcome === "confirmed").length;
  return [confirmed, calls.length - confirmed];
}

for (const isPatient of [true, false]) {
  test(
    `batches: whatever servers do, confirmed calls of a row took effect once, in their order, and none hangs (${
      isPatient ? "with" : "without"
    } retries)`,
    async () => {
      let [confirmed, refused] = [0, 0];
      for (let seed = 1; seed <= 400; seed++) {
        const [c, r] = await life(seed, isPatient);
        confirmed += c;
        refused += r;
      }
      assert(confirmed > 3_000 && refused > 1_000, `${confirmed} confirmed, ${refused} refused`);
    },
  );
}
