// The contract between the nodes and their clients: a topic with history.
import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

export const prices = defineContract({
  shared: {
    topics: {
      // The newest 1,000 messages of the last ten minutes. A client that misses more than that is told so.
      "price/:symbol": { payload: z.object({ price: z.number() }), history: { size: 1_000, ttlMs: 600_000 } },
    },
  },
  roles: { reader: {} },
});
