/**
 * Finds the connections of this node that match a query.
 *
 * @module
 */

import type { ConnectionQuery } from "../api/cluster.ts";
import { roomChannel } from "../backplane/channels.ts";
import type { Connection } from "../connection/connection.ts";
import type { Session } from "../session/session.ts";

/**
 * Finds the connections that match all fields of a query.
 *
 * @param query The query.
 * @param sessions The sessions of this node.
 */
export function findConnections(query: ConnectionQuery, sessions: Iterable<Session>): Connection[] {
  const found: Connection[] = [];
  for (const session of sessions) {
    if (session.conn && fits(session.conn, session, query)) found.push(session.conn);
  }
  return found;
}

function fits(conn: Connection, session: Session, { id, room, user, role, topic }: ConnectionQuery): boolean {
  return (id === undefined || conn.id === id) &&
    (user === undefined || conn.userId === user) &&
    (role === undefined || conn.role === role) &&
    (room === undefined || conn.isIn(roomChannel(room))) &&
    (topic === undefined || session.subscribesTo(topic));
}
