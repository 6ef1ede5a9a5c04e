// The contract between the processes and their clients. There is one room, and all clients are in it.
import { defineContract } from "@trunkline/hub/contract";
import { z } from "zod";

export const chat = defineContract({
  roles: {
    member: {
      clientToServer: {
        say: { payload: z.object({ text: z.string() }) },
        echo: { input: z.object({ n: z.number() }), output: z.object({ n: z.number() }) },
      },
      serverToClient: {
        welcome: { payload: z.object({ pid: z.number() }) },
        said: { payload: z.object({ pid: z.number(), text: z.string() }) },
      },
    },
  },
});
