// The contract between all these pages and their server.
import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

export const shop = defineContract({
  shared: {
    topics: { "price/:article": { payload: z.object({ euros: z.number() }), history: { size: 10 } } },
  },
  roles: { visitor: {} },
});
