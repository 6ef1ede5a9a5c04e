/** A message that was given up before it was sent is not kept: the publisher was told so. */
import { assertEquals, assertRejects } from "@std/assert";
import { Appender } from "../../../adapters/nats/history/appender.ts";
import type { LogStream } from "../../../adapters/nats/history/log_stream.ts";
import type { TopicLog } from "../../../adapters/nats/history/topic_log.ts";
import { HubError, systemClock } from "../../../contract/mod.ts";
import { test } from "../../harness.ts";

test("nats history: a message that is given up while its key is looked up is not stored", async () => {
  const given = new AbortController();
  let writes = 0;
  const stream = {
    jetStream: { maxPayload: 1_000_000 },
    compares: true,
    keep: () => Promise.resolve(++writes),
  } as unknown as LogStream;
  const log = {
    channel: "c",
    kept: 0,
    tail: () => Promise.resolve({ position: ["e", 0], subject: "s", seq: 0 }),
    isNew: () => false,
    find() {
      given.abort(new Error("The time is over"));
      return Promise.resolve(undefined);
    },
    before: () => ({ earlier: [], floor: 1 }),
    wrote() {},
    doubt() {},
    isStale: () => false,
  } as unknown as TopicLog;
  const appender = new Appender({
    log,
    nodeId: () => "n",
    clock: systemClock,
    stream: () => stream,
    wall: () => 0,
    onTrimmed() {},
  });
  const size = { size: 10, ttlMs: Infinity } as const;
  const first = appender.append('"a"', { ...size, idempotencyKey: "k", signal: given.signal });
  const second = appender.append('"b"', size);
  const error = await assertRejects(() => first, HubError, "before it was sent");
  assertEquals(error.code, "UNAVAILABLE");
  assertEquals(await second, ["e", 1]);
  assertEquals(writes, 1);
});
