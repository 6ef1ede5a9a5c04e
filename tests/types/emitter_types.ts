/**
 * What the compiler must refuse, and what it must infer, of an emitter. Checked by `deno check`; never run.
 */

import { createEmitter, createMemoryAdapter, defineContract, type Published } from "@trunkline/hub";
import { z } from "zod";

const chat = defineContract({
  shared: {
    topics: {
      stats: { payload: z.object({ n: z.number() }) },
      "log/:name": { payload: z.object({ n: z.number() }), history: { size: 8 } },
    },
  },
  roles: {
    member: { serverToClient: { message: { payload: z.object({ text: z.string() }) } } },
    admin: { topics: { audit: { payload: z.object({ entry: z.string() }) } } },
  },
  serverToServer: { invalidate: { payload: z.object({ key: z.string() }) } },
});

const emitter = createEmitter(chat, { adapter: createMemoryAdapter() });
emitter.room("r").broadcast("message", { text: "hi" });
// @ts-expect-error wrong payload
emitter.room("r").broadcast("message", { txt: "hi" });
// @ts-expect-error no member of a room can be added by one that is no node
emitter.room("r").add({ id: "a.1" });
const nothing: void = emitter.publish("stats", { n: 1 });
const stored: Promise<Published> = emitter.publish("log/x", { n: 1 }, { id: "once" });
// @ts-expect-error a topic without history takes no options
emitter.publish("stats", { n: 1 }, { id: "once" });
// @ts-expect-error a role's own topic
emitter.publish("audit", { entry: "e" });
emitter.forRole("admin").publish("audit", { entry: "e" });
emitter.user("ann").emit("message", { text: "hi" });
emitter.emitServer("invalidate", { key: "k" });
emitter.disconnect({ user: "ann" });
// @ts-expect-error to address all clients, the call must say so
emitter.disconnect({});
// @ts-expect-error it is asked through a hub
emitter.connection("a.1").request;
export { nothing, stored };
