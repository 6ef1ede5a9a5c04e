/** The cost of validation, by schema library: the hub validates each message when it comes in and when it goes out. @module */

import { parse, parseNow, type Schema } from "@trunkline/hub/contract";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";

const line = { room: "bench", text: "#0000000 hello, everyone here" };
const order = {
  id: "o-1",
  customer: { name: "Ada", email: "ada@example.org", tags: ["new", "paid"] },
  lines: Array.from({ length: 10 }, (_, i) => ({ sku: `sku-${i}`, count: i + 1, price: i * 1.5 })),
};

/** No library: everything above this is the cost of the library. */
const nothing: Schema<unknown, unknown> = {
  "~standard": { version: 1, vendor: "none", validate: (value) => ({ value }) },
};

type Either = Schema<unknown, unknown>;
const schemas: Readonly<Record<string, readonly [line: Either, order: Either]>> = {
  none: [nothing, nothing],
  zod: [
    z.object({ room: z.string(), text: z.string() }),
    z.object({
      id: z.string(),
      customer: z.object({ name: z.string(), email: z.string(), tags: z.array(z.string()) }),
      lines: z.array(z.object({ sku: z.string(), count: z.number(), price: z.number() })),
    }),
  ],
  valibot: [
    v.object({ room: v.string(), text: v.string() }),
    v.object({
      id: v.string(),
      customer: v.object({ name: v.string(), email: v.string(), tags: v.array(v.string()) }),
      lines: v.array(v.object({ sku: v.string(), count: v.number(), price: v.number() })),
    }),
  ],
  arktype: [
    type({ room: "string", text: "string" }),
    type({
      id: "string",
      customer: { name: "string", email: "string", tags: "string[]" },
      lines: type({ sku: "string", count: "number", price: "number" }).array(),
    }),
  ],
};

for (const [library, [lineSchema, orderSchema]] of Object.entries(schemas)) {
  const baseline = library === "none";
  Deno.bench(`a chat line: ${library}`, { group: "parseNow: a chat line", baseline }, () => {
    parseNow(lineSchema, line, "signal", "line");
  });
  Deno.bench(`an order of ten lines: ${library}`, { group: "parseNow: an order", baseline }, () => {
    parseNow(orderSchema, order, "signal", "order");
  });
  if (baseline) continue;
  const refused = { room: "bench", text: 1 };
  Deno.bench(
    `refused: ${library}`,
    { group: "parse: what does not fit", baseline: library === "zod" },
    () => {
      try {
        parse(lineSchema, refused, "signal", "line");
      } catch {
        // the failure is measured here
      }
    },
  );
}
