// The shop's orders, as events for the kitchen.
import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

export const Order = z.object({ dish: z.string().min(1), table: z.number().int().positive() });

export const shop = defineContract({
  roles: { kitchen: { serverToClient: { ordered: { payload: Order } } } },
});
