// The address of Redis: the same for all nodes and for the program that publishes.
import { env } from "node:process";

export const redis = {
  url: env.REDIS_URL ?? "redis://127.0.0.1:6379",
  prefix: env.PREFIX ?? "history-example",
};
