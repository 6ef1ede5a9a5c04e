// The contract between the server and its clients: a request, and an event.
import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

const Guest = z.object({ name: z.string().min(1) });

export const hello = defineContract({
  roles: {
    guest: {
      clientToServer: { enter: { input: Guest, output: z.object({ greeting: z.string() }) } },
      serverToClient: { entered: { payload: Guest } },
    },
  },
});
