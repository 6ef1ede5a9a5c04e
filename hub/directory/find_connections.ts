/**
 * Finds the connections of this node that match a query.
 *
 * @module
 */

import type { ConnectionQuery } from "../api/cluster.ts";
import { roomChannel, userGroup } from "../backplane/channels.ts";
import type { Connection } from "../connection/connection.ts";
import type { Session } from "../session/session.ts";

/** The connections of this node. */
export interface Known {
  /** The sessions with a connection, by its id. */
  readonly sessions: ReadonlyMap<string, Session>;
  /** The members of a group. */
  members(group: string): Iterable<Connection>;
}

/**
 * Finds the connections that match all fields of a query. If it is for an id, a user or a room, this does not look at other
 * connections: handlers ask often who is in a room.
 *
 * @param query The query.
 * @param known The connections.
 */
export function findConnections(query: ConnectionQuery, known: Known): Connection[] {
  const found: Connection[] = [];
  for (const session of candidates(query, known)) {
    if (session?.conn && fits(session.conn, session, query)) found.push(session.conn);
  }
  return found;
}

function candidates(
  { id, user, room }: ConnectionQuery,
  { sessions, members }: Known,
): Iterable<Session | undefined> {
  if (id !== undefined) return [sessions.get(id)];
  const group = user !== undefined ? userGroup(user) : room !== undefined ? roomChannel(room) : undefined;
  return group === undefined
    ? sessions.values()
    : Array.from(members(group), (conn) => sessions.get(conn.id));
}

function fits(conn: Connection, session: Session, { id, room, user, role, topic }: ConnectionQuery): boolean {
  return (id === undefined || conn.id === id) &&
    (user === undefined || conn.userId === user) &&
    (role === undefined || conn.role === role) &&
    (room === undefined || conn.isIn(roomChannel(room))) &&
    (topic === undefined || session.subscribesTo(topic));
}
