// The contract: a topic to which the server publishes. Clients subscribe to it by name, such as `clock/utc`.
import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

export const clocks = defineContract({
  shared: { topics: { "clock/:zone": { payload: z.object({ time: z.string() }) } } },
  roles: { viewer: {} },
});
