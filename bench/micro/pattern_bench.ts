/** The cost of finding the pattern of a topic's name. @module */

import { PatternTable } from "@trunkline/hub/contract";

for (const count of [10, 1_000]) {
  const group = `among ${count} patterns`;
  const table = new PatternTable<number>();
  for (let i = 0; i < count / 2; i++) {
    table.add(`literal-${i}/all`, i);
    table.add(`pattern-${i}/:id`, i);
  }
  const last = count / 2 - 1;
  for (
    const [what, name] of [
      ["literal", `literal-${last}/all`],
      ["parameter, the first pattern", "pattern-0/1"],
      ["parameter, the last pattern", `pattern-${last}/1`],
      ["nothing", "nothing/1"],
    ] as const
  ) {
    Deno.bench(`find: ${what} (${count})`, { group, baseline: what === "literal" }, () => {
      table.find(name);
    });
  }
}
