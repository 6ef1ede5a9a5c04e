/**
 * The orders for a server of a cluster: its one argument, in JSON. The same on every runtime.
 *
 * @module
 */

/**
 * @typedef {object} NodeOrder
 * @property {string} adapter The adapter between the nodes.
 * @property {string} url The address of the broker; for a cluster of brokers, all addresses, separated by commas.
 * @property {string} prefix The prefix of this cluster only.
 * @property {number} [port] The port; a free one by default.
 * @property {boolean} [recovery] Whether the server recovers missed messages for clients that reconnect, if that is an option.
 * @property {boolean} count Whether to count messages from the backplane, by topic.
 */

/** @type {NodeOrder} */
export const order = JSON.parse(process.argv[2]);

/** How many messages have arrived from the backplane, by topic. @type {Record<string, number>} */
export const arrived = {};

/** Counts a message. @param {string} topic Its topic. */
export const count = (topic) => {
  arrived[topic] = (arrived[topic] ?? 0) + 1;
};
