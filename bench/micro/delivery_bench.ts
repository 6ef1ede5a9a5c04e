/** The cost of delivery to a group, or to one connection after the other, until the link has the frames. @module */

import { GROUP, line, scene } from "./scene.ts";

const messages = Array.from({ length: 64 }, (_, i) => line(String(i)));

for (const count of [32, 1_000]) {
  const group = `64 messages to ${count} connections in one turn`;

  const together = scene(count);
  Deno.bench(`registry, all alike: ${count}`, { group, baseline: true }, () => {
    for (const message of messages) together.registry.deliver(GROUP, message);
    together.endTurn();
  });

  const excepting = scene(count);
  Deno.bench(`registry, each except its sender: ${count}`, { group }, () => {
    for (const [i, message] of messages.entries()) {
      excepting.registry.deliver(GROUP, message, { except: excepting.members[i % count]!.conn });
    }
    excepting.endTurn();
  });

  const single = scene(count);
  Deno.bench(`outboxes, one by one: ${count}`, { group }, () => {
    for (const message of messages) for (const { outbox } of single.members) outbox.push(message);
    single.endTurn();
  });

  const lone = scene(count);
  Deno.bench(`one message: ${count}`, { group: `one message to ${count} connections` }, () => {
    lone.registry.deliver(GROUP, messages[0]!);
    lone.endTurn();
  });
}

const slow = scene(1);
Deno.bench("an outbox that holds 64 messages, and lets them go", { group: "a slow connection" }, () => {
  const [{ link, outbox }] = slow.members as [typeof slow.members[number]];
  link.bufferedAmount = Infinity;
  for (const message of messages) outbox.push(message);
  slow.endTurn();
  link.bufferedAmount = 0;
  outbox.drained();
});
