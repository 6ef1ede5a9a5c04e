import { z } from "zod";
import { defineContract } from "../../contract/mod.ts";

export const contract = defineContract({
  roles: { member: { clientToServer: { join: { input: z.string(), output: z.void() } } } },
  presence: { "room/:id": { state: z.object({ typing: z.boolean() }), clientsSet: true } },
});
