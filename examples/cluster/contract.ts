// The contract between the nodes of the cluster and their clients. There is one room, and all clients are in it.
import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

const Text = z.string().trim().min(1).max(500);

export const chat = defineContract({
  roles: {
    member: {
      clientToServer: { say: { payload: z.object({ text: Text }) } },
      serverToClient: {
        welcome: { payload: z.object({ node: z.string() }) },
        said: { payload: z.object({ name: z.string(), node: z.string(), text: Text }) },
      },
    },
  },
});
