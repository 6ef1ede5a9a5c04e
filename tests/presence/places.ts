/**
 * The contract of the tests of presence.
 *
 * @module
 */

import { defineContract, type Hub } from "@trunkline/hub";
import { z } from "zod";

const Note = z.object({ n: z.number() });

export const places = defineContract({
  shared: { topics: { "doc/:id": { payload: Note }, "log/:id": { payload: Note, history: { size: 4 } } } },
  roles: {
    member: {
      clientToServer: {
        enter: { input: z.object({ room: z.string() }), output: z.void() },
        exit: { input: z.object({ room: z.string() }), output: z.void() },
        set: { input: z.object({ room: z.string(), name: z.string() }), output: z.void() },
      },
    },
    admin: { topics: { audit: { payload: Note } } },
  },
  presence: {
    "room/:id": z.object({ name: z.string() }),
    "doc/:id": { state: z.object({ cursor: z.number() }), clientsSet: true },
    "log/:id": z.any(),
    audit: z.any(),
  },
});

export type PlacesDefinition = (typeof places)["definition"];
export type PlacesHub = Hub<PlacesDefinition, { id: string } | undefined, undefined>;
