/** Cases about frames. */

import { check, checkSame } from "../check.ts";
import { type LinkCase, linkCase, pairCase } from "./stage.ts";

const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);

/** The cases. */
export const framesCases: readonly LinkCase[] = [
  pairCase("frames arrive in order, whole, both ways", async ({ client, server }, stage) => {
    const sent = Array.from({ length: 500 }, (_, index) => `frame ${index} ü€😀`);
    for (const frame of sent) client.link.send(frame);
    for (const frame of sent) server.link.send(frame);
    await stage.until(() => client.frames.length >= sent.length && server.frames.length >= sent.length);
    checkSame(client.frames, sent, "What the client got");
    checkSame(server.frames, sent, "What the server got");
  }),
  pairCase("text stays text and bytes stay bytes", async ({ client, server }, stage) => {
    const sent = ["text", everyByte, "", new Uint8Array(), "more"];
    for (const frame of sent) client.link.send(frame);
    for (const frame of sent) server.link.send(frame);
    await stage.until(() => client.frames.length >= sent.length && server.frames.length >= sent.length);
    checkSame(client.frames, sent, "What the client got");
    checkSame(server.frames, sent, "What the server got");
    for (const frame of server.frames) {
      check(typeof frame === "string" || frame.constructor === Uint8Array, "bytes are a plain Uint8Array");
    }
  }),
  pairCase("half a character arrives as the mark that replaces it", async ({ client, server }, stage) => {
    server.link.send("half \ud83d!");
    client.link.send("\ude00 half");
    await stage.until(() => client.frames.length >= 1 && server.frames.length >= 1);
    checkSame([client.frames, server.frames], [["half \ufffd!"], ["\ufffd half"]], "What both ends got");
    server.link.close(4000, "half \ud83d");
    checkSame(await client.ended(), { code: 4000, reason: "half \ufffd" }, "How the client ended");
  }),
  pairCase(
    "a frame that was received stays as it was, whatever comes after it",
    async ({ client, server }, stage) => {
      for (let value = 0; value < 50; value++) client.link.send(new Uint8Array(100).fill(value));
      await stage.until(() => server.frames.length >= 50);
      checkSame(
        server.frames,
        Array.from({ length: 50 }, (_, value) => new Uint8Array(100).fill(value)),
        "What the server got",
      );
    },
  ),
  pairCase("bytes may be used again as soon as they were sent", async ({ client, server }, stage) => {
    const bytes = Uint8Array.of(1, 2, 3);
    server.link.send(bytes);
    bytes.fill(9);
    await stage.until(() => client.frames.length >= 1);
    checkSame(client.frames, [Uint8Array.of(1, 2, 3)], "What the client got");
  }),
  pairCase("a frame of 1 MiB arrives as it was sent", async ({ client, server }, stage) => {
    const text = "é".repeat(1 << 19);
    const bytes = new Uint8Array(1 << 20).map((_, index) => index * 7);
    for (const end of [client, server]) {
      end.link.send(text);
      end.link.send(bytes);
    }
    await stage.until(() => client.frames.length >= 2 && server.frames.length >= 2);
    for (const end of [client, server]) check(end.frames[0] === text, "The text arrived changed");
    for (const end of [client, server]) checkSame(end.frames[1], bytes, "What an end got");
  }),
  linkCase(
    "a frame above the limit closes its link with code 1009, and no other",
    async (stage) => {
      for (
        const frame of [
          new Uint8Array(stage.acceptor.maxFrameBytes + 1),
          "é".repeat(stage.acceptor.maxFrameBytes / 2 + 1),
        ]
      ) {
        const other = await stage.open();
        const pair = await stage.open();
        pair.client.link.send(frame);
        await stage.settle(pair);
        checkSame(pair.server.frames, [], "What the server got");
        checkSame(pair.client.closings.map(({ code }) => code), [1009], "Closes at the client");
        checkSame(pair.server.closings.length, 1, "Closes at the server");
        other.client.link.send("still here");
        await stage.until(() => other.server.frames.length === 1);
      }
    },
  ),
  linkCase("a frame just at the limit is taken", async (stage) => {
    const { client, server } = await stage.open();
    client.link.send(new Uint8Array(stage.acceptor.maxFrameBytes));
    client.link.send("é".repeat(stage.acceptor.maxFrameBytes / 2));
    await stage.until(() => server.frames.length === 2);
  }),
];
