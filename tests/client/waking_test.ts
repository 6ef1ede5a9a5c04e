import { assertEquals } from "@std/assert";
import type { ClientOptions } from "../../client/mod.ts";
import { test } from "../harness.ts";
import { WELCOME } from "./fake_server.ts";
import { connecting, opened, retried, type Rig, turn } from "./setup.ts";

/** The platform's events of waking up, sent by hand. */
class Alarm {
  wake = () => {};
  stopped = 0;

  readonly lifecycle: ClientOptions["lifecycle"] = (wake) => {
    this.wake = wake;
    return () => void this.stopped++;
  };
}

/** Lets time pass in steps in which the server lives. */
async function live({ clock, server }: Rig, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    clock.advance(500);
    server.link.say(["ping"]);
  }
  await turn();
}

const statusesOf = ({ statuses }: Rig) => statuses.map(([status]) => status);

test("a link that died during a sleep is noticed within 4 s of waking, and replaced at once", async () => {
  const rig = await opened();
  const { client, clock, server } = rig;
  await live(rig, 6_000);
  server.link.alive = false;
  clock.jump(3_600_000);
  clock.advance(0);
  await turn();
  assertEquals([client.status, server.link.sent("ping").length], ["open", 1]);
  clock.advance(2_000);
  await turn();
  assertEquals([client.status, server.links.length], ["reconnecting", 2]);
  assertEquals([rig.statuses.at(-1)![1].retryInMs, server.links[0]!.closedBy?.code], [0, 4001]);
  server.link.welcome();
  await live(rig, 10_000);
  assertEquals([client.status, server.links.length], ["open", 2]);
  await client.close();
  assertEquals(clock.pending, 0);
});

test("timers that stand still while the machine sleeps do not hide the sleep", async () => {
  let wall = 0;
  const rig = await opened();
  const { clock } = rig;
  await rig.client.close();
  const other = await opened({
    clock: {
      now: () => clock.now(),
      wall: () => clock.now() + wall,
      after: (ms, callback) => clock.after(ms, callback),
      endOfTurn: clock.endOfTurn,
    },
  });
  clock.advance(1_000);
  wall += 3_600_000;
  clock.advance(1_000);
  await turn();
  assertEquals(other.server.link.sent("ping").length, 1);
  wall -= 7_200_000; // the user sets the clock
  other.server.link.say(["pong"]);
  clock.advance(4_000);
  await turn();
  assertEquals([other.client.status, other.server.link.sent("ping").length], ["open", 1]);
  await other.client.close();
});

test("a link that answers after waking stays, also when its answers were late to be read", async () => {
  const rig = await opened();
  const { client, clock, server } = rig;
  clock.jump(60_000); // beyond what the watchdog of the link allows
  clock.advance(0);
  await turn();
  assertEquals([client.status, server.link.sent("ping").length], ["open", 1]);
  server.link.say(["pong"]);
  clock.advance(9_000);
  assertEquals([client.status, server.links.length], ["open", 1]);
  await client.close();
});

test("messages that arrived before the sleep prove nothing; messages on a slow link do", async () => {
  for (const [afterMs, status] of [[100, "reconnecting"], [1_500, "open"]] as const) {
    const alarm = new Alarm();
    const { client, clock, server } = await opened({ lifecycle: alarm.lifecycle });
    alarm.wake();
    clock.advance(afterMs);
    server.link.say(["ev", "dm", { text: "x" }]);
    clock.advance(2_000 - afterMs);
    assertEquals(client.status, status);
    await client.close();
  }
});

test("however often it is woken, a client proves its link once at a time and reconnects once", async () => {
  const alarm = new Alarm();
  const rig = await opened({ lifecycle: alarm.lifecycle });
  const { client, clock, server } = rig;
  clock.advance(6_000);
  server.link.alive = false;
  for (let i = 0; i < 20; i++) {
    alarm.wake();
    await turn();
    clock.advance(100);
  }
  assertEquals([server.link.sent("ping").length, client.status], [1, "reconnecting"]);
  for (let i = 0; i < 10; i++) {
    alarm.wake();
    clock.advance(100);
    await turn();
  }
  assertEquals(server.links.length, 2);
  server.link.welcome();
  clock.advance(500);
  assertEquals(statusesOf(rig), ["open", "reconnecting", "open"]);
  await client.close();
});

test("waking up cuts the wait for the next attempt short, and does not storm the server", async () => {
  const alarm = new Alarm();
  const rig = await connecting({
    lifecycle: alarm.lifecycle,
    random: () => 0.999,
    reconnect: { patientMs: 0 },
  });
  const { client, clock, server } = rig;
  for (let i = 0; i < 6; i++) {
    server.link.close();
    await retried(rig);
  }
  server.link.close();
  clock.advance(5_000);
  const tried = server.links.length;
  alarm.wake();
  assertEquals(rig.statuses.at(-1)![1].retryInMs, 0);
  for (let i = 0; i < 50; i++) {
    alarm.wake();
    clock.advance(100);
    await turn();
    if (server.links.length > tried) server.link.close();
  }
  const more = server.links.length - tried;
  assertEquals(more >= 5 && more <= 8, true, `${more} attempts in 5 s`);
  assertEquals(rig.statuses.at(-1)![1].attempt, 7 + more);
  await client.close();
});

test("waking up does not cut short the time for which a server has sent the client away", async () => {
  const alarm = new Alarm();
  const rig = await connecting({ lifecycle: alarm.lifecycle });
  const { client, clock, server } = rig;
  server.link.open();
  server.link.say(["fault", { code: "UNAVAILABLE", message: "Full", data: { retryInMs: 20_000 } }]);
  server.link.close(4004, "Full");
  clock.advance(5_000);
  alarm.wake();
  clock.jump(5_000); // the timers are late too
  for (let i = 0; i < 99; i++) {
    clock.advance(100);
    alarm.wake();
  }
  await turn();
  assertEquals(server.links.length, 1);
  clock.advance(101);
  await turn();
  assertEquals(server.links.length, 2);
  await client.close();
});

test("an attempt that was under way before the sleep is given up soon, a young one goes on", async () => {
  const alarm = new Alarm();
  const { client, clock, server } = await connecting({ lifecycle: alarm.lifecycle });
  clock.advance(1_000);
  alarm.wake();
  clock.advance(3_000);
  assertEquals(server.link.closedBy, undefined);
  alarm.wake();
  clock.advance(2_000);
  await turn();
  assertEquals([server.links[0]!.closedBy?.code, server.links.length], [4001, 2]);
  await client.close();
});

test("waking up does not end an attempt that waits for the user's token, or for a slow server", async () => {
  const alarm = new Alarm();
  const token = Promise.withResolvers<string>();
  let asked = 0;
  const { client, clock, server } = await connecting({
    lifecycle: alarm.lifecycle,
    connectTimeoutMs: 60_000,
    token: () => (asked++, token.promise),
  });
  clock.advance(20_000);
  alarm.wake();
  clock.advance(5_000);
  token.resolve("secret");
  await turn();
  server.link.open();
  clock.advance(5_000);
  alarm.wake();
  clock.advance(5_000);
  server.link.say(["welcome", WELCOME]);
  assertEquals([client.status, asked, server.links.length], ["open", 1, 1]);
  await client.close();
});

test("a closed client ignores waking, whatever the platform reports", async () => {
  const alarm = new Alarm();
  const { client, clock, server } = await opened({ lifecycle: alarm.lifecycle });
  await client.close();
  alarm.wake();
  clock.advance(10_000);
  await turn();
  assertEquals([alarm.stopped, clock.pending, server.links.length], [1, 0, 1]);
});

test("a lifecycle that throws when it is stopped is reported, and the client still closes", async () => {
  const failure = new Error("No such listener");
  const { client, errors } = await opened({
    lifecycle: () => () => {
      throw failure;
    },
  });
  await client.close();
  assertEquals(client.status, "closed");
  assertEquals(errors.map(({ error }) => error), [failure]);
});
