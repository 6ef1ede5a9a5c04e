/** The cost of a message of another node, and of an own one that comes back, before the hub gets it. @module */

import { encodeEnvelope } from "@trunkline/hub/adapters/envelope";
import { Inbox } from "../../adapters/kit/inbox.ts";
import { isHistoryFrame } from "../../adapters/kit/redis/history/frame.ts";
import { Mail } from "../../adapters/redis_cluster/mail.ts";

const text = '["ev","message",null,{"text":"#0000000 hello, everyone here"}]';
const utf8 = new TextEncoder();
const [me, other] = ["7d9f7d3c-2b0c-4c3e-8d41-5a50c7a0f3aa", "0b8f5f0e-5c59-4d43-9c3f-0c2f0d0f6d11"];
const inbox = new Inbox({ nodeId: me, deliver: () => {}, onForeign: () => {} });

for (const [whose, from] of [["another node's", other], ["an own"]] as const) {
  const data = utf8.encode(encodeEnvelope(from ?? me, text) as string);
  Deno.bench(`receive ${whose} message`, { group: "from Redis" }, () => {
    if (!isHistoryFrame(data)) inbox.receive("room", data);
  });
}

const [mine, theirs] = [new Mail(me, 1), new Mail(other, 1)];
const own = utf8.encode(mine.pack(0, text) as string);
Deno.bench("receive an own message again", { group: "from Redis Cluster" }, () => {
  mine.unpack(0, own, 0);
});
const MANY = 64;
Deno.bench(`pack and receive ${MANY} messages`, { group: "from Redis Cluster" }, () => {
  for (let i = 0; i < MANY; i++) mine.unpack(0, utf8.encode(theirs.pack(0, text) as string), 0);
});
