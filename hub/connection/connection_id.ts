/**
 * The id of a connection names its node. See docs/decisions/0008-connection-ids-name-their-node.md.
 *
 * @module
 */

/** Makes the id of a node's connection. */
export const connectionId = (nodeId: string, count: number): string => `${nodeId}.${count.toString(36)}`;

/** The node of a connection; of nobody's id that of no node. */
export const nodeOf = (id: string): string => id.slice(0, Math.max(0, id.lastIndexOf(".")));
