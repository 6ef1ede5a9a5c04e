/**
 * The load client, a process of its own: does what its one argument (JSON) says, and prints what came of it.
 *
 * @module
 */

import { dialects } from "./dialects.ts";
import * as growth from "./growth.ts";
import type { Load } from "./outcome.ts";
import * as shapes from "./shapes.ts";

/** The argument, for a load of one size. */
export interface LoadOrder extends Omit<Load, "dialect"> {
  /** One of the shapes. */
  readonly shape: keyof typeof shapes;
  /** One of the dialects. */
  readonly dialect: string;
}

/** The argument, for a load that grows. */
export interface GrowthOrder extends Omit<growth.GrowthLoad, "dialect"> {
  /** What grows. */
  readonly shape: keyof typeof growth;
  /** One of the dialects. */
  readonly dialect: string;
}

const { shape, dialect: name, ...rest } = JSON.parse(process.argv[2]!);
const dialect = dialects[name];
if (!dialect) throw new Error(`There is no dialect "${name}"`);
const run: (load: object) => Promise<object> = {
  ...shapes,
  ...growth,
}[shape as keyof typeof shapes] as never;
console.log(JSON.stringify(await run({ ...rest, dialect })));
process.exit(0);
