/**
 * The id of a connection names its node. See docs/decisions/0008-connection-ids-name-their-node.md.
 *
 * @module
 */

/** Makes the id of a node's connection. */
export const connectionId = (nodeId: string, count: number): string => `${nodeId}.${count.toString(36)}`;

/** The id of the node of a connection; empty when `id` is not the id of a connection. */
export const nodeOf = (id: string): string => id.slice(0, Math.max(0, id.lastIndexOf(".")));
