/**
 * Chooses the subprotocol of a link.
 *
 * @module
 */

/**
 * Chooses the client's offered subprotocol that the hub prefers. If the hub supports none of them, it answers with
 * the first one of the offer. Otherwise a browser would not open the socket, and would never see the code with which
 * the hub closes it.
 *
 * @param offered The subprotocols that the client offers, in its order.
 * @param spoken The subprotocols that the hub supports, the preferred one first.
 * @returns The subprotocol; `""` if the client offered none.
 */
export function chooseSubprotocol(offered: readonly string[], spoken: readonly string[]): string {
  return spoken.find((subprotocol) => offered.includes(subprotocol)) ?? offered[0] ?? "";
}
