/**
 * Central presence over the backplane of a hub and a store.
 *
 * @module
 */

import type { Contract } from "../../../contract/mod.ts";
import { nameOfChannel } from "../../backplane/channels.ts";
import { readToldState } from "../read_told_state.ts";
import { type CentralOptions, CentralPresence } from "./central.ts";

/** What {@linkcode createCentral} needs. */
export interface CentralParts extends Omit<CentralOptions, "parse"> {
  /** The contract, which says what states are. */
  readonly contract: Contract;
}

/** Makes presence from a store, which hears what comes over the backplane from here on. */
export function createCentral({ contract, ...parts }: CentralParts): CentralPresence {
  return new CentralPresence({
    ...parts,
    parse(place, state) {
      const name = nameOfChannel(place);
      const declared = contract.presence.find(name)?.value;
      return declared && readToldState(declared, state, name);
    },
  });
}
