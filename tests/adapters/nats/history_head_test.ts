/** The head of the stream says which round it is. A round that nobody has begun must not be taken for a new one. */
import { assertEquals } from "@std/assert";
import { configOf, type StreamSettings } from "../../../adapters/nats/history/config.ts";
import { CODES } from "../../../adapters/nats/history/errors.ts";
import type { JetStream } from "../../../adapters/nats/history/jet_stream.ts";
import { LogStream } from "../../../adapters/nats/history/log_stream.ts";
import { Subjects } from "../../../adapters/nats/subject.ts";
import { toBase64 } from "../../../contract/mod.ts";
import { test } from "../../harness.ts";

const SETTINGS: StreamSettings = {
  ...{ name: "S", subjects: new Subjects("p"), storage: undefined, maxBytes: undefined, publishes: false },
  replicas: 3,
};

test("nats history: a new round is begun although a new leader does not have the present one yet", async () => {
  const heads: string[] = [];
  let behind = 0;
  const jetStream = {
    ask: (_subject: string, data: Uint8Array, headers: Record<string, string>) => {
      const isNext = Object.values(headers)[0] === `${heads.length}`;
      if (isNext) heads.push(new TextDecoder().decode(data));
      const answer = isNext ? { seq: heads.length } : { error: { err_code: CODES.wrongLastSequence } };
      return Promise.resolve({ data: new TextEncoder().encode(JSON.stringify(answer)) });
    },
    call(name: string, { seq }: { seq?: number }) {
      const kept = heads.length - (behind > 0 ? behind-- : 0);
      if (name === "STREAM.INFO.S") {
        return Promise.resolve({ config: configOf(SETTINGS), state: { last_seq: kept } });
      }
      if (name !== "STREAM.MSG.GET.S") return Promise.resolve({});
      const at = seq ?? kept;
      const message = {
        seq: at,
        subject: "p.%log.%head",
        time: "2026-01-01",
        data: toBase64(new TextEncoder().encode(heads[at - 1])),
      };
      return Promise.resolve({ message });
    },
  } as unknown as JetStream;
  const stream = new LogStream(jetStream, SETTINGS, { life: "", seq: 0 });
  await stream.ready();
  await stream.nextRound();
  assertEquals((await stream.head()).round, 1);
  behind = 1;
  await stream.nextRound();
  assertEquals((await stream.head()).round, 2);
});
