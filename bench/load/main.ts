/**
 * The load client, a process of its own: does what its one argument (JSON) says, and prints what came of it.
 *
 * @module
 */

import { clusterDialects } from "./cluster_dialects.ts";
import * as crossnode from "./crossnode.ts";
import { dialects } from "./dialects.ts";
import * as growth from "./growth.ts";
import * as interest from "./interest.ts";
import type { Load } from "./outcome.ts";
import * as presence from "./presence.ts";
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

/** The argument, for a load on a cluster: what its shape is told, with the name of one of the dialects of clusters. */
export type ClusterOrder =
  & { readonly dialect: string }
  & (
    | { readonly shape: "crossnode" } & Omit<crossnode.CrossnodeLoad, "dialect">
    | { readonly shape: "interest" } & Omit<interest.InterestLoad, "dialect">
    | { readonly shape: "presence" } & Omit<presence.PresenceLoad, "dialect">
    | { readonly shape: "listing" } & presence.ListingLoad
  );

const { shape, dialect: name, ...rest } = JSON.parse(process.argv[2]!);
const onClusters = { ...crossnode, ...interest, ...presence };
const run: (load: object) => Promise<object> = {
  ...shapes,
  ...growth,
  ...onClusters,
}[shape as keyof typeof shapes] as never;
const dialect = (shape in onClusters ? clusterDialects : dialects)[name];
if (!dialect) throw new Error(`There is no dialect "${name}"`);
console.log(JSON.stringify(await run({ ...rest, dialect })));
process.exit(0);
