/**
 * The load client, a process of its own: does what its one argument (JSON) says, and prints what came of it.
 *
 * @module
 */

import { dialects } from "./dialects.ts";
import type { Load } from "./outcome.ts";
import * as shapes from "./shapes.ts";

/** The argument. */
export interface LoadOrder extends Omit<Load, "dialect"> {
  /** One of the shapes. */
  readonly shape: keyof typeof shapes;
  /** One of the dialects. */
  readonly dialect: string;
}

const { shape, dialect: name, ...rest }: LoadOrder = JSON.parse(process.argv[2]!);
const dialect = dialects[name];
if (!dialect) throw new Error(`There is no dialect "${name}"`);
console.log(JSON.stringify(await shapes[shape]({ ...rest, dialect })));
process.exit(0);
