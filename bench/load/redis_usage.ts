/**
 * What Redis servers say of themselves.
 *
 * @module
 */

import { redisCommand } from "../../tools/brokers/sockets.ts";

/** Sums of all servers, in bytes. */
export interface RedisUsage {
  /** What came to them, and what they sent, since they started. */
  readonly received: number;
  readonly sent: number;
  /** What they keep. */
  readonly memory: number;
}

/**
 * Asks them.
 *
 * @param ports Where they listen.
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
