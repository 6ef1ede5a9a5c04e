/**
 * The contract of the benchmarks: a chat with short lines, which are validated in both directions.
 *
 * @module
 */

import { defineContract } from "@trunkline/hub";
import { z } from "zod";

const Line = z.object({ room: z.string(), text: z.string() });
const Text = z.object({ text: z.string() });

/** A line of the chat. */
export const contract = defineContract(
  {
    roles: {
      member: {
        clientToServer: {
          join: { input: z.object({ room: z.string() }), output: z.void() },
          say: { payload: Line },
          tell: { input: Line, output: z.void() },
          publish: { payload: z.object({ id: z.string(), text: z.string() }) },
          echo: { input: Text, output: Text },
        },
        serverToClient: { message: { payload: Text } },
        topics: { "line/:id": { payload: Text } },
      },
    },
  },
);
