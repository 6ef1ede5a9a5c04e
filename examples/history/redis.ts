// Where Redis is. All nodes say the same, and so does the program that publishes.
import { env } from "node:process";

export const redis = {
  url: env.REDIS_URL ?? "redis://127.0.0.1:6379",
  prefix: env.PREFIX ?? "history-example",
};
