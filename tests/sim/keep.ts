/**
 * Runs of which each has to keep all rules.
 *
 * @module
 */

import { campaign, type CampaignOptions, describeFailure } from "./report.ts";
import type { System } from "./system.ts";

/**
 * Runs seeds, of which each has to keep all rules.
 *
 * @throws {Error} That tells of the first one that does not, with the faults that it needs and how to see it.
 */
export async function assertKept(system: System, options: CampaignOptions): Promise<void> {
  const { failures: [failure] } = await campaign(system, options);
  if (failure) throw new Error(describeFailure(system, failure.scenario, failure.shrunk));
}
