// What the server publishes: a topic, which clients subscribe to by its name, as `clock/utc`.
import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

export const clocks = defineContract({
  shared: { topics: { "clock/:zone": { payload: z.object({ time: z.string() }) } } },
  roles: { viewer: {} },
});
