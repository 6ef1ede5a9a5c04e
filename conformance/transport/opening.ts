/** Cases about how links open. */

import { check, checkSame } from "../check.ts";
import { RecordedEnd } from "./recording.ts";
import { type LinkCase, linkCase } from "./stage.ts";

/** The cases. */
export const openingCases: readonly LinkCase[] = [
  linkCase("of several subprotocols the hub's favourite is picked", async (stage) => {
    const { client, server } = await stage.open([
      "x",
      "test.v1",
      "test.v2",
    ]);
    checkSame(
      [client.link.subprotocol, server.link.subprotocol],
      ["test.v2", "test.v2"],
      "The subprotocols of both ends",
    );
  }),
  linkCase("an offer of unknown subprotocols opens with the first of them", async (stage) => {
    const { client, server } = await stage.open([
      "other.v9",
      "other.v8",
    ]);
    checkSame(
      [client.link.subprotocol, server.link.subprotocol],
      ["other.v9", "other.v9"],
      "The subprotocols of both ends",
    );
  }),
  linkCase("no offer opens without a subprotocol", async (stage) => {
    const { client, server } = await stage.open([]);
    checkSame([client.link.subprotocol, server.link.subprotocol], ["", ""], "The subprotocols of both ends");
  }),
  linkCase("a client that is refused gets no link", async (stage) => {
    stage.acceptor.refusal = () => new Response("Full", { status: 503 });
    const client = new RecordedEnd(stage.waitMs);
    stage.client.connect(stage.url, ["test.v1"], client);
    checkSame((await client.ended()).code, 1006, "How the client ended");
    checkSame(
      [stage.acceptor.admitted.length, stage.acceptor.ends.length, client.link],
      [1, 0, undefined],
      "Asked, opened",
    );
  }),
  linkCase("the request can be read as long as the link is there", async (stage) => {
    const { server } = await stage.open(["test.v1"], "?room=1");
    const { request, address } = server.request;
    check(server.request === stage.acceptor.admitted[0], "accept got another request than admit");
    checkSame(new URL(request.url).search, "?room=1", "The query");
    check(/^https?:$/.test(new URL(request.url).protocol), "The scheme is not that of HTTP");
    checkSame(request.headers.get("sec-websocket-protocol"), "test.v1", "The offer");
    checkSame(address, stage.address, "The address");
  }),
];
