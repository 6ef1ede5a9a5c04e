/**
 * The load client, in its own process: follows its one argument (JSON), and prints the result.
 *
 * @module
 */

import { clusterDialects } from "./cluster_dialects.ts";
import * as crossnode from "./crossnode.ts";
import { dialects } from "./dialects.ts";
import { groups, type GroupsLoad } from "./groups.ts";
import * as growth from "./growth.ts";
import * as interest from "./interest.ts";
import type { Load } from "./outcome.ts";
import * as presence from "./presence.ts";
import type { DropsLoad } from "./recovery/drops.ts";
import type { PingsLoad } from "./recovery/pings.ts";
import type { StormLoad } from "./recovery/storm.ts";
import * as shapes from "./shapes.ts";

/** The argument, for a load of one size. */
export interface LoadOrder extends Omit<Load, "dialect"> {
  /** One of the shapes. */
  readonly shape: keyof typeof shapes;
  /** One of the dialects. */
  readonly dialect: string;
}

/** Orders for a load on a server that is not started yet. */
export type Unaddressed<Order> = Omit<Order, "port" | "statsPort" | "dialect">;

/** The argument, for a load that grows. */
export interface GrowthOrder extends Omit<growth.GrowthLoad, "dialect"> {
  /** What grows. */
  readonly shape: keyof typeof growth;
  /** One of the dialects. */
  readonly dialect: string;
}

/** The argument, for a load of groups. */
export interface GroupsOrder extends Omit<GroupsLoad, "dialect"> {
  readonly shape: "groups";
  /** One of the dialects. */
  readonly dialect: string;
}

/** The argument, for a load on a cluster: the orders for its shape, with the name of one of the dialects of clusters. */
export type ClusterOrder =
  & { readonly dialect: string }
  & (
    | { readonly shape: "crossnode" } & Omit<crossnode.CrossnodeLoad, "dialect">
    | { readonly shape: "interest" } & Omit<interest.InterestLoad, "dialect">
    | { readonly shape: "presence" } & Omit<presence.PresenceLoad, "dialect">
    | { readonly shape: "listing" } & presence.ListingLoad
  );

/** The argument, for a load with the clients that users have. */
export type RecoveryOrder =
  | { readonly shape: "drops" } & DropsLoad
  | { readonly shape: "storm" } & StormLoad
  | { readonly shape: "pings" } & PingsLoad;

/** The loads with such clients. They are imported only when they are used, because the libraries are large. */
const recovery: Readonly<Record<RecoveryOrder["shape"], () => Promise<(load: never) => Promise<object>>>> = {
  drops: async () => (await import("./recovery/drops.ts")).drops,
  storm: async () => (await import("./recovery/storm.ts")).storm,
  pings: async () => (await import("./recovery/pings.ts")).pings,
};
const onClusters = { ...crossnode, ...interest, ...presence };

const { shape, dialect: name, ...rest } = JSON.parse(process.argv[2]!);

function dialect(): object {
  const found = (shape in onClusters ? clusterDialects : dialects)[name];
  if (!found) throw new Error(`There is no dialect "${name}"`);
  return found;
}

async function run(): Promise<object> {
  if (Object.hasOwn(recovery, shape)) {
    const load = await recovery[shape as RecoveryOrder["shape"]]();
    return await load({ ...rest, dialect: name } as never);
  }
  const loads = { ...shapes, ...growth, ...onClusters, groups } as Readonly<
    Record<string, (load: object) => Promise<object>>
  >;
  return await loads[shape]!({ ...rest, dialect: dialect() });
}

console.log(JSON.stringify(await run()));
process.exit(0);
