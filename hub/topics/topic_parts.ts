/**
 * What the parts of a hub's topics share.
 *
 * @module
 */

import type { AdapterStage } from "../../adapters/adapter.ts";
import type { Clock } from "../../contract/mod.ts";
import type { Backplane } from "../backplane/backplane.ts";
import type { Registry } from "../groups/registry.ts";
import type { Catalog } from "./catalog.ts";

/** What the parts of a hub's topics share. */
export interface TopicParts {
  /** The topics of the contract. */
  readonly catalog: Catalog;
  /** Who subscribes. */
  readonly registry: Registry;
  /** The other nodes. */
  readonly backplane: Backplane;
  /** Where time comes from. */
  readonly clock: Clock;
  /** Reports an error that no caller receives. */
  onError(error: unknown, info: { readonly stage: AdapterStage; readonly channel?: string }): void;
}
