import { defineContract, type Schema } from "../../contract/mod.ts";

/** Any value, without a library: it must load on an engine that lacks much. */
const Any: Schema<unknown> = {
  "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) },
} as const;

export const contract = defineContract({
  roles: {
    member: {
      clientToServer: {
        ask: { input: Any, output: Any },
        echo: { input: Any, output: Any },
        never: { input: Any, output: Any },
        drop: { input: Any, output: Any },
      },
      serverToClient: { told: { payload: Any }, ask: { input: Any, output: Any } },
      topics: { ticks: { payload: Any } },
    },
  },
});
