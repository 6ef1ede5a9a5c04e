/**
 * Opening links to a hub that only writes down what a transport tells it.
 *
 * @module
 */

import { RecordedEnd, RecordingAcceptor, type ServerEnd } from "../../conformance/transport/recording.ts";
import type { Pair } from "../../conformance/transport/stage.ts";
import type { ClientTransport } from "../../transports/transport.ts";
import { waitFor } from "../harness.ts";

export { type Pair, RecordedEnd, RecordingAcceptor, type ServerEnd };

/**
 * Opens a link and waits until both ends know of it.
 *
 * @param acceptor The hub.
 * @param transport The client's side.
 * @param url Where to.
 * @param subprotocols What the client offers.
 */
export async function openPair(
  acceptor: RecordingAcceptor,
  transport: ClientTransport,
  url: string,
  subprotocols: readonly string[] = ["test.v1"],
): Promise<Pair> {
  const before = acceptor.ends.length;
  const client = new RecordedEnd();
  transport.connect(url, subprotocols, client);
  await waitFor(() => client.link !== undefined, { what: "the client's end of a link" });
  const server = await waitFor(() => acceptor.ends[before], { what: "the server's end of a link" });
  return { client, server };
}
