import { assertEquals } from "@std/assert";
import { roomChannel, userGroup } from "../../hub/backplane/channels.ts";
import type { Connection } from "../../hub/connection/connection.ts";
import { findConnections } from "../../hub/directory/find_connections.ts";
import type { Session } from "../../hub/session/session.ts";
import { test } from "../harness.ts";

test("a query for an id, a user or a room looks at no other connection, and gives what fits all fields", () => {
  let looked = 0;
  const groups = new Map<string, Connection[]>();
  const sessions = new Map<string, Session>();
  for (let i = 0; i < 1_000; i++) {
    const [user, room] = [`u${i % 500}`, `r${i % 250}`];
    const conn = {
      id: `${i}`,
      userId: user,
      role: i % 4 === 0 ? "admin" : "member",
      isIn: (group: string) => group === roomChannel(room),
    } as unknown as Connection;
    const session = {
      get conn() {
        looked++;
        return conn;
      },
      subscribesTo: (topic: string) => topic === `t${i % 10}`,
    } as unknown as Session;
    sessions.set(conn.id, session);
    for (const group of [userGroup(user), roomChannel(room)]) {
      groups.set(group, [...groups.get(group) ?? [], conn]);
    }
  }
  const known = { sessions, members: (group: string) => groups.get(group) ?? [] };
  const find = (query: Parameters<typeof findConnections>[0]) =>
    findConnections(query, known).map(({ id }) => id);
  assertEquals(find({ id: "7" }), ["7"]);
  assertEquals(find({ user: "u7" }), ["7", "507"]);
  assertEquals(find({ room: "r7" }), ["7", "257", "507", "757"]);
  assertEquals(find({ room: "r7", user: "u7" }), ["7", "507"]);
  assertEquals(find({ id: "7", room: "r8" }), []);
  assertEquals([find({ id: "none" }), find({ user: "none" }), find({ room: "none" })], [[], [], []]);
  assertEquals(find({ room: "r8", role: "admin", topic: "t8" }), ["8", "508"]);
  assertEquals(looked < 100, true, `looked ${looked} times`);
  assertEquals([find({}).length, find({ role: "admin" }).length, find({ topic: "t1" }).length], [
    1_000,
    250,
    100,
  ]);
});
