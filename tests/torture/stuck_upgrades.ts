/**
 * Sees a fault of Deno's server (2.9): a WebSocket whose client resets the connection before the answer to its upgrade is written
 * neither opens nor fails, and keeps its file and the process for ever.
 *
 * @module
 */

/** The part of Deno's global that is concerned. */
interface Upgrades {
  upgradeWebSocket(...args: unknown[]): { readonly socket: WebSocket; readonly response: Response };
}

/**
 * Watches for them.
 *
 * @returns Tells how many there are. None on Bun.
 */
export function watchUpgrades(): () => number {
  const deno = (globalThis as { readonly Deno?: Upgrades }).Deno;
  const opening = new Set<WebSocket>();
  if (!deno) return () => 0;
  const upgrade = deno.upgradeWebSocket;
  deno.upgradeWebSocket = (...args) => {
    const upgraded = upgrade(...args);
    const { socket } = upgraded;
    opening.add(socket);
    for (const event of ["open", "close"]) socket.addEventListener(event, () => opening.delete(socket));
    return upgraded;
  };
  return () => opening.size;
}
