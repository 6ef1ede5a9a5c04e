/**
 * Central presence over the backplane of a hub and a store.
 *
 * @module
 */

import type { Contract } from "../../../contract/mod.ts";
import { nameOfChannel } from "../../backplane/channels.ts";
import { readToldState } from "../read_told_state.ts";
import { type CentralOptions, CentralPresence } from "./central.ts";

/** The options of {@linkcode createCentral}. */
export interface CentralParts extends Omit<CentralOptions, "parse"> {
  /** The contract, with the schemas of states. */
  readonly contract: Contract;
}

/** Makes central presence from a store. It listens to the backplane from now on. */
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
