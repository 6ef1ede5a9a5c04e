/**
 * What a server of a cluster is told: its one argument, JSON. On every runtime alike.
 *
 * @module
 */

/**
 * @typedef {object} NodeOrder
 * @property {string} adapter What goes between the nodes.
 * @property {string} url Where the broker is; of a cluster of brokers, all of them, separated by commas.
 * @property {string} prefix What this cluster has in common, and no other.
 * @property {number} [port] Where to listen; a free one when absent.
 * @property {boolean} [recovery] Whether clients that come back are to be given what they missed, where that is an option.
 * @property {boolean} count Whether to count what comes from the backplane, by topic.
 */

/** @type {NodeOrder} */
export const order = JSON.parse(process.argv[2]);

/** How many messages have come from the backplane, by topic. @type {Record<string, number>} */
export const arrived = {};

/** Counts one. @param {string} topic Its topic. */
export const count = (topic) => {
  arrived[topic] = (arrived[topic] ?? 0) + 1;
};
