/**
 * The objects that the parts of a hub's topics share.
 *
 * @module
 */

import type { AdapterStage } from "../../adapters/adapter.ts";
import type { Clock } from "../../contract/mod.ts";
import type { Backplane } from "../backplane/backplane.ts";
import type { Registry } from "../groups/registry.ts";
import type { Catalog } from "./catalog.ts";

/** The objects that the parts of a hub's topics share. */
export interface TopicParts {
  /** The topics of the contract. */
  readonly catalog: Catalog;
  /** The subscribers of this node. */
  readonly registry: Registry;
  /** The backplane. */
  readonly backplane: Backplane;
  /** The clock. */
  readonly clock: Clock;
  /** Called with errors that no caller gets. */
  onError(error: unknown, info: { readonly stage: AdapterStage; readonly channel?: string }): void;
}
