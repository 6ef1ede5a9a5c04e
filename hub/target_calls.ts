/**
 * The calls that send to users and to connections by id.
 *
 * @module
 */

import type { CloseOptions } from "../contract/mod.ts";
import { owning } from "./connection/own_errors.ts";
import type { AppCalls } from "./connection/app_calls.ts";
import { readName } from "./backplane/channels.ts";
import type { Directory } from "./directory/directory.ts";
import { refuseOptions } from "./groups/no_options.ts";
import type { Events } from "./groups/events.ts";

/** A receiver of events. */
interface Target {
  emit(name: string, payload: unknown, options?: unknown): void;
}

/** A connection, on any node. */
interface ConnectionTarget extends Target {
  request(name: string, input: unknown, options?: Parameters<Directory["request"]>[3]): Promise<unknown>;
  close(options?: CloseOptions): void;
}

/** The calls that address users and connections by id. */
interface TargetCalls {
  user(id: string): Target;
  connection(id: string): ConnectionTarget;
}

/**
 * Makes the calls that address users and connections by id.
 *
 * @param calls Runs the calls of the application.
 * @param events Sends to users.
 * @param directory Sends to connections.
 */
export function targetCalls(calls: AppCalls, events: Events, directory: Directory): TargetCalls {
  return {
    user(id) {
      readName(id, "user");
      return {
        emit(name, payload, options) {
          refuseOptions(options);
          owning(() => events.toUser(id, name, payload));
        },
      };
    },
    connection(id) {
      readName(id, "connection");
      return {
        emit: (name, payload) => owning(() => directory.emit(id, name, payload)),
        request: (name, input, options) => calls.ask(name, () => directory.request(id, name, input, options)),
        close: (options) => directory.close(id, options),
      };
    },
  };
}
