import { check, checkRejects, checkSame, settles, until } from "../check.ts";
import type { AdapterSetup } from "./setup.ts";
import { type CaseDefinition, FENCE, type Node, passBy, type Stage } from "./stage.ts";

const needsFaults = ({ faults }: AdapterSetup) => faults ? undefined : "the setup cannot stop the backplane";

async function stop(stage: Stage, nodes: readonly Node[]): Promise<void> {
  await stage.faults.stop();
  for (const node of nodes) await node.until(() => node.status === "down", "status down");
}

async function start(stage: Stage, nodes: readonly Node[]): Promise<void> {
  await stage.faults.start();
  for (const node of nodes) await node.until(() => node.status === "up", "status up");
}

/** Checks that every node can still publish to every other node. */
async function checkAllReachAll(nodes: readonly Node[], channel: string, word: string): Promise<void> {
  const text = (node: Node) => `${word} of ${node.nodeId}`;
  for (const node of nodes) node.publish(channel, text(node));
  for (const node of nodes) {
    for (const other of nodes) {
      if (other !== node) await node.got(channel, text(other));
    }
  }
}

function checkNoDuplicates(nodes: readonly Node[]): void {
  for (const { received } of nodes) {
    const all = received.map(({ channel, data, from }) => JSON.stringify([channel, data, from]));
    checkSame(all.filter((message, i) => all.indexOf(message) !== i), [], "Messages that came twice");
  }
}

/** Checks that an adapter is closed after a rejected `open`. */
async function checkClosed(stage: Stage, node: Node): Promise<void> {
  const before = [node.statuses.length, node.errors.length];
  node.publish("news", "from the grave");
  const subscribing = settles(node.adapter.subscribe("news"), "subscribe", stage.waitMs);
  await checkRejects(subscribing, "Subscribing after an open that was rejected");
  await checkRejects(
    settles(node.open(), "open", stage.waitMs),
    "Opening again after an open that was rejected",
  );
  await settles(node.adapter.close(), "close after an open that was rejected", stage.waitMs);
  checkSame([node.statuses.length, node.errors.length], before, "What it reported after that");
}

export const faultCases: readonly CaseDefinition[] = [
  {
    name: "backplane killed and restarted: publishes meanwhile do not throw and are reported",
    needs: needsFaults,
    async run(stage) {
      const nodes = await stage.cluster("news");
      const [a] = nodes;
      await stop(stage, nodes);
      for (let i = 0; i < 10; i++) a.publish("news", `lost ${i}`);
      await a.until(() => a.errors.some(({ stage }) => stage === "publish"), "a report of stage publish");
      await start(stage, nodes);
      await checkAllReachAll(nodes, "news", "after");
      checkNoDuplicates(nodes);
    },
  },
  {
    name:
      "backplane killed and restarted: all subscriptions live again when the status is up, no duplicate delivery",
    needs: needsFaults,
    async run(stage) {
      const channels = Array.from({ length: 50 }, (_, i) => `channel ${i}`);
      const nodes = await stage.cluster(...channels);
      for (const round of ["first", "second"]) {
        await checkAllReachAll(nodes, channels[0], `before the ${round} break`);
        await stop(stage, nodes);
        await start(stage, nodes);
        for (const channel of channels) await checkAllReachAll(nodes, channel, `after the ${round} break`);
      }
      checkNoDuplicates(nodes);
    },
  },
  {
    name: "backplane killed and restarted: the reported status goes down and up",
    needs: needsFaults,
    async run(stage) {
      const nodes = await stage.cluster("news");
      await stop(stage, nodes);
      await start(stage, nodes);
      for (const { statuses } of nodes) {
        // The status may change several times while it tries, but the same status is never reported twice in a row.
        check(
          statuses.every((status, i) => status !== statuses[i - 1]),
          `A status came twice: ${statuses.join()}`,
        );
        checkSame([statuses[0], statuses.at(-2), statuses.at(-1)], ["up", "down", "up"], "The statuses");
      }
    },
  },
  {
    name: "a subscribe while the backplane is away waits, and is live once it resolves",
    needs: needsFaults,
    async run(stage) {
      const nodes = await stage.cluster(FENCE);
      const [a, b] = nodes;
      await stop(stage, nodes);
      let settled = false;
      const subscribing = b.adapter.subscribe("late").finally(() => settled = true);
      subscribing.catch(() => {});
      // Long enough to catch an adapter that gives up after one failed attempt to connect.
      await new Promise((resolve) => setTimeout(resolve, 200));
      check(!settled, "The subscribe did not wait");
      await start(stage, nodes);
      await settles(subscribing, "the subscribe", stage.waitMs);
      a.publish("late", "seen");
      await b.got("late", "seen");
      checkSame(b.on("late"), ["seen"], "What arrived on the late channel");
    },
  },
  {
    name: "a subscribe that waits for a backplane that is away ends by its signal, and leaves nothing",
    needs: needsFaults,
    async run(stage) {
      const nodes = await stage.cluster(FENCE);
      const [a, b, c] = nodes;
      await stop(stage, nodes);
      const reason = new Error("waited long enough");
      const given = new AbortController();
      const subscribing = b.adapter.subscribe("late", given);
      subscribing.catch(() => {});
      given.abort(reason);
      const error = await checkRejects(settles(subscribing, "the subscribe", stage.waitMs), "The subscribe");
      check(error === reason, `It rejected with "${error.message}", not with the signal's reason`);
      await start(stage, nodes);
      await c.subscribe("late");
      await passBy(a, b, c, "late", "missed");
      await b.subscribe("late");
      a.publish("late", "seen");
      await b.got("late", "seen");
      checkSame(b.on("late"), ["seen"], "What arrived on the late channel");
    },
  },
  {
    name: "an unsubscribe while the backplane is away holds when it is back",
    needs: needsFaults,
    async run(stage) {
      const nodes = await stage.cluster("news", FENCE);
      const [a, b, c] = nodes;
      await stop(stage, nodes);
      const outcome = b.adapter.unsubscribe("news").then(() => {}, () => {});
      await start(stage, nodes);
      await settles(outcome, "the unsubscribe", stage.waitMs);
      await passBy(a, b, c, "news", "missed");
      await b.subscribe("news");
      a.publish("news", "seen");
      await b.got("news", "seen");
      checkSame(b.on("news"), ["seen"], "What arrived");
    },
  },
  {
    name: "backplane unreachable at start: open waits for it, and the node joins when it is there",
    needs: needsFaults,
    async run(stage) {
      await stage.faults.stop();
      const nodes = [await stage.node(), await stage.node()];
      let settled = 0;
      const opening = Promise.all(nodes.map((node) => node.open().finally(() => settled++)));
      opening.catch(() => {});
      for (const node of nodes) node.publish("news", "too early");
      await new Promise((resolve) => setTimeout(resolve, 0));
      checkSame(
        [settled, nodes.map(({ statuses }) => statuses.includes("up"))],
        [0, [false, false]],
        "Opened so far",
      );
      await stage.faults.start();
      await settles(opening, "the nodes to open", stage.waitMs);
      for (const node of nodes) await node.until(() => node.status === "up", "status up");
      for (const node of nodes) await node.subscribe("news");
      await checkAllReachAll(nodes, "news", "hello");
    },
  },
  {
    name: "close while the backplane is away, or was never there, settles",
    needs: needsFaults,
    async run(stage) {
      const nodes = await stage.cluster("news");
      const [a] = nodes;
      await stop(stage, nodes);
      const late = await stage.node();
      const opening = late.open().then(() => "opened", () => "refused");
      await settles(late.adapter.close(), "close of a node that never joined", stage.waitMs);
      checkSame(await settles(opening, "its open", stage.waitMs), "refused", "How its open ended");
      const given = new AbortController();
      const unwanted = await stage.node();
      const waiting = checkRejects(
        unwanted.adapter.open(unwanted.context, given),
        "An open whose signal is aborted",
      );
      const reason = new Error("waited long enough");
      given.abort(reason);
      check(await settles(waiting, "its open", stage.waitMs) === reason, "It rejected with another reason");
      await checkClosed(stage, unwanted);
      const subscribing = a.adapter.subscribe("late").catch(() => {});
      a.publish("news", "lost");
      await settles(a.adapter.close(), "close of a node that lost its backplane", stage.waitMs);
      await settles(subscribing, "its subscribe", stage.waitMs);
    },
  },
  {
    name: "half-open connection: noticed by probe within the documented time, and healed",
    needs: ({ faults }) => faults?.blackhole ? undefined : "the backplane's traffic cannot be blackholed",
    async run(stage) {
      const nodes = await stage.cluster("news");
      await stage.faults.blackhole!();
      const noticeMs = stage.faults.noticeMs ?? 30_000;
      await until(() => nodes.every(({ status }) => status === "down"), () => "status down", noticeMs);
      await start(stage, nodes);
      await checkAllReachAll(nodes, "news", "after");
      checkNoDuplicates(nodes);
    },
  },
];

/** One case for each way in which the backplane can refuse a node. */
export function refusalCases(setup: AdapterSetup): readonly CaseDefinition[] {
  return (setup.refusals ?? []).map(({ name, mentions, secrets, create }) => ({
    name: `${name}: one clear error naming adapter, address and cause, never the secret`,
    async run(stage) {
      const node = await stage.node({ adapter: await create({ prefix: stage.prefix }) });
      const outcome = node.open().then(() => undefined, (error: unknown) => error);
      const error = await settles(outcome, "open to reject", stage.waitMs);
      check(error instanceof Error, "The adapter opened, or rejected with a value that is not an Error");
      const words = [error, ...node.errors.map(({ error }) => error)].flatMap((error) => [
        error.message,
        String(error.stack),
        String((error.cause as Error | undefined)?.message ?? error.cause),
      ]).join("\n");
      for (const word of [node.adapter.name, ...mentions]) {
        check(
          error.message.toLowerCase().includes(word.toLowerCase()),
          `"${error.message}" does not mention ${word}`,
        );
      }
      for (const secret of secrets) check(!words.includes(secret), "An error contains the secret");
      check(error.cause !== undefined, "The error has no cause");
      await checkClosed(stage, node);
    },
  }));
}
