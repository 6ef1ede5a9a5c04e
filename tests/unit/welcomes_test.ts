import { assertEquals } from "@std/assert";
import { jsonCodec } from "@trunkline/hub";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { Welcomes } from "../../hub/session/admission/welcomes.ts";
import type { Connection } from "../../hub/connection/connection.ts";
import type { SessionContext } from "../../hub/session/session_context.ts";
import { test } from "../harness.ts";

const CONTEXT = {
  nodeId: "node",
  heartbeatMs: 25_000,
  limits: { maxFrameBytes: 4_096 },
  topics: { keepsHistory: true },
  presence: {},
  once: { memory: "node" },
  contract: { definition: { rooms: {} } },
};

test("welcome: a client of each codec is told the same, whatever the hub has told others before", () => {
  const context = { ...CONTEXT, once: { memory: "node" } };
  const welcomes = new Welcomes(context as unknown as SessionContext);
  const common = {
    node: "node",
    heartbeatMs: 25_000,
    maxFrameBytes: 4_096,
    history: true,
    presence: true,
    rooms: true,
  };
  for (const memory of ["node", "shared"]) {
    context.once.memory = memory;
    for (
      const [i, [topics, rejoins]] of [[false, false], [true, false], [false, true], [true, true]].entries()
    ) {
      const conn = { id: `node."${i}`, rejoins } as Connection;
      for (const codec of [jsonCodec, msgpackCodec]) {
        const frame = codec.join([welcomes.of(conn, topics!).encoded(codec)]);
        assertEquals(codec.decode(frame), [["welcome", {
          connection: conn.id,
          ...common,
          once: memory,
          ...(topics && { topics }),
          ...(rejoins && { rejoin: true }),
        }]]);
      }
    }
  }
});
