/** Cases about how links end. */

import { checkSame } from "../check.ts";
import { type LinkCase, linkCase } from "./stage.ts";

/** The cases. */
export const closingCases: readonly LinkCase[] = [
  linkCase(
    "code and reason of the server's close reach the client, and the server itself",
    async (stage) => {
      const pair = await stage.open();
      pair.server.link.close(4503, "Unknown subprotocol");
      await stage.settle(pair);
      checkSame(
        pair.client.closings,
        [{ code: 4503, reason: "Unknown subprotocol" }],
        "Closes at the client",
      );
      checkSame(
        pair.server.closings,
        [{ code: 4503, reason: "Unknown subprotocol" }],
        "Closes at the server",
      );
    },
  ),
  linkCase("code and reason of the client's close reach the server", async (stage) => {
    const pair = await stage.open();
    pair.client.link.close(4001, "Gone for tea ☕");
    await stage.settle(pair);
    checkSame(pair.server.closings, [{ code: 4001, reason: "Gone for tea ☕" }], "Closes at the server");
    checkSame(pair.client.closings, [{ code: 4001, reason: "Gone for tea ☕" }], "Closes at the client");
  }),
  linkCase("what was sent before a close arrives before it", async (stage) => {
    const pair = await stage.open();
    for (let index = 0; index < 20; index++) pair.server.link.send(new Uint8Array(1 << 16).fill(index));
    pair.server.link.close(4000, "");
    let atClose = -1;
    const { close } = pair.client;
    pair.client.close = (code, reason) => {
      atClose = pair.client.frames.length;
      close.call(pair.client, code, reason);
    };
    await stage.settle(pair);
    checkSame(atClose, 20, "Frames before the close");
  }),
  linkCase(
    "a close is reported after the call, and no second close changes it",
    async (stage) => {
      const pair = await stage.open();
      pair.server.link.close(4001, "first");
      checkSame(pair.server.closings, [], "Closes at the server");
      pair.server.link.close(4002, "second");
      await stage.settle(pair);
      pair.server.link.close(4003, "third");
      await stage.settle(pair);
      checkSame(pair.server.closings, [{ code: 4001, reason: "first" }], "Closes at the server");
      checkSame(pair.client.closings, [{ code: 4001, reason: "first" }], "Closes at the client");
    },
  ),
  linkCase("after a close nothing is sent, received or buffered", async (stage) => {
    const pair = await stage.open();
    pair.client.link.send("under way");
    pair.server.link.close(4000, "");
    pair.server.link.send("late");
    await stage.settle(pair);
    pair.server.link.send("later");
    checkSame(pair.server.link.bufferedAmount, 0, "Bytes that wait after a close");
    await stage.settle(pair);
    checkSame(pair.client.frames, [], "What the client got");
    checkSame(pair.server.frames, [], "What the server got");
  }),
  linkCase("two ends that close at once each hear of one close", async (stage) => {
    const pair = await stage.open();
    pair.server.link.close(4001, "server");
    pair.client.link.close(4002, "client");
    await stage.settle(pair);
    checkSame(pair.server.closings, [{ code: 4001, reason: "server" }], "Closes at the server");
    checkSame(pair.client.closings.length, 1, "Closes at the client");
  }),
  linkCase("a reason that is too long is cut between two characters", async (stage) => {
    for (
      const [reason, cut] of [["😀".repeat(40), "😀".repeat(30)], [
        `a${"é".repeat(70)}`,
        `a${"é".repeat(61)}`,
      ]]
    ) {
      const pair = await stage.open();
      pair.server.link.close(4000, reason);
      await stage.settle(pair);
      checkSame(pair.client.closings, [{ code: 4000, reason: cut }], "Closes at the client");
      checkSame(pair.server.closings, [{ code: 4000, reason: cut }], "Closes at the server");
    }
  }),
  linkCase("a code that cannot be sent becomes one that can", async (stage) => {
    const asked = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 70_000, -1, 1000.5, NaN];
    for (const code of asked) {
      const pair = await stage.open();
      pair.server.link.close(code, "why");
      await stage.settle(pair);
      const expected = { code: code === 1005 ? 1000 : 1011, reason: "why" };
      checkSame(pair.client.closings, [expected], `How a close with ${code} ended`);
      checkSame(pair.server.closings, [expected], `How a close with ${code} ended`);
    }
  }),
  linkCase("a hub may answer and close while it accepts", async (stage) => {
    stage.acceptor.onAccept = (link) => {
      link.send("sorry");
      link.close(4503, "No");
    };
    const pair = await stage.open(["unknown"]);
    await stage.settle(pair);
    checkSame(pair.client.frames, ["sorry"], "What the client got");
    checkSame(pair.client.closings, [{ code: 4503, reason: "No" }], "Closes at the client");
    checkSame(pair.server.closings, [{ code: 4503, reason: "No" }], "Closes at the server");
  }),
];
