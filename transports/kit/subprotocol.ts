/**
 * Which subprotocol a link gets.
 *
 * @module
 */

/**
 * Picks the one that the hub likes best of those that the client offers. An offer without any of the hub's is answered
 * with its own first entry: a browser opens no socket whose offer was passed over, and so would never see the code
 * with which the hub closes it.
 *
 * @param offered What the client offers, in its order.
 * @param spoken What the hub speaks, the preferred one first.
 * @returns `""` when nothing was offered.
 */
export function chooseSubprotocol(offered: readonly string[], spoken: readonly string[]): string {
  return spoken.find((subprotocol) => offered.includes(subprotocol)) ?? offered[0] ?? "";
}
