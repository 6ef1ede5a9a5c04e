/**
 * Statistics of Redis servers.
 *
 * @module
 */

import { redisCommand } from "../../tools/brokers/sockets.ts";

/** Sums of all servers, in bytes. */
export interface RedisUsage {
  /** The bytes that they received and sent since they started. */
  readonly received: number;
  readonly sent: number;
  /** The bytes that they store. */
  readonly memory: number;
}

/**
 * Asks the servers.
 *
 * @param ports The ports of the servers.
 */
export async function redisUsage(ports: readonly number[]): Promise<RedisUsage> {
  const infos = await Promise.all(ports.map(async (port) => String(await redisCommand(port, "INFO"))));
  const sum = (name: string) =>
    infos.reduce((sum, info) => sum + Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)![1]), 0);
  return {
    received: sum("total_net_input_bytes"),
    sent: sum("total_net_output_bytes"),
    memory: sum("used_memory"),
  };
}
