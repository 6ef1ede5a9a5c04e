/**
 * One frame with many publishes, to topics of which each client has all, or some. All of them are published in one turn.
 *
 * @module
 */

import { openMany, text } from "./connection.ts";
import { publish, topic } from "./dialects.ts";
import { clientFrame } from "./frames.ts";
import type { Load, Outcome } from "./outcome.ts";
import { seeded } from "./recovery/random.ts";
import { Stopwatch } from "./server.ts";
import { frames, received, settle } from "./settle.ts";
import { subscribeAll } from "./subscribe_all.ts";

/** The orders for a load of groups. */
export interface GroupsLoad extends Omit<Load, "messages" | "statsPort"> {
  /** How many publishes one frame has. */
  readonly publishes: number;
  /** How many topics there are; the publishes go to each in turn. */
  readonly topics: number;
  /** How many of them each client subscribes to: all, or any. */
  readonly each: number;
  /** How long the measurement takes at least, in milliseconds; the warm-up takes as long. */
  readonly forMs: number;
}

/** Publishes a frame again and again, each time when all clients have got what the one before has brought. */
export async function groups(
  { port, dialect, clients, publishes, topics, each, forMs }: GroupsLoad,
): Promise<Outcome> {
  const random = seeded(1);
  const names = Array.from({ length: topics }, (_, i) => topic(i));
  const [speaker] = await openMany(port, dialect, 1);
  const connections = await openMany(port, dialect, clients);
  const wanted = connections.map((connection) => {
    const some = each === topics ? names : names
      .map((name) => [random(), name] as const).toSorted(([a], [b]) => a - b).slice(0, each)
      .map(([, name]) => name);
    return [connection, some] as const;
  });
  await subscribeAll(wanted);
  const published = Array.from({ length: publishes }, (_, i) => names[i % topics]!);
  const times = Map.groupBy(published, (name) => name);
  const expected = wanted.flatMap(([, some]) => some)
    .reduce((sum, name) => sum + (times.get(name)?.length ?? 0), 0);
  const frame = clientFrame(`[${published.map((name, i) => publish(name, text(i)).slice(1, -1)).join()}]`);
  const rounds = async () => {
    let count = 0;
    for (const start = performance.now(); performance.now() - start < forMs; count++) {
      const before = received(connections);
      speaker!.write(frame);
      await settle(connections, before + expected);
    }
    return count;
  };
  await rounds();
  const [before, framesBefore] = [received(connections), frames(connections)];
  const start = await Stopwatch.start(port);
  const count = await rounds();
  const figures = await start.stop();
  const outcome = {
    ...figures,
    delivered: received(connections) - before,
    expected: expected * count,
    frames: frames(connections) - framesBefore,
  };
  for (const connection of [speaker!, ...connections]) connection.destroy();
  return outcome;
}
