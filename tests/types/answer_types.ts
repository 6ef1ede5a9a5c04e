// Answers keep their literals, although the compiler first takes handlers of any type.

import { z } from "zod";
import { createHub, defineContract } from "../../mod.ts";

const choice = defineContract({
  roles: {
    member: {
      clientToServer: {
        pick: {
          input: z.object({}),
          output: z.discriminatedUnion("kind", [
            z.object({ kind: z.literal("one"), n: z.number() }),
            z.object({ kind: z.literal("many"), list: z.array(z.enum(["x", "y"])) }),
          ]),
        },
      },
    },
  },
});
const choosing = createHub(choice, { authenticate: () => ({ role: "member" }) });
choosing.implement({ member: { pick: () => ({ kind: "one", n: 1 }) } });
choosing.implement({
  member: {
    pick: async (_, { conn }) => {
      await Promise.resolve();
      return conn.user ? { kind: "one", n: 1 } : { kind: "many", list: ["x"] };
    },
  },
});
choosing.implement({
  member: {
    pick(_, { conn }) {
      if (conn.user) return { kind: "one", n: 1 };
      return { kind: "many", list: ["x", "y"] };
    },
  },
});
// @ts-expect-error no such item
choosing.implement({ member: { pick: () => ({ kind: "many", list: ["z"] }) } });
// @ts-expect-error one way answers nothing
choosing.implement({ member: { pick: (_, { conn }) => conn.user ? { kind: "one", n: 1 } : undefined } });
