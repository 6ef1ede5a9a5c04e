/**
 * What every transport's links do, whatever carries them.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../contract/mod.ts";
import type { ClientTransport, Transport } from "../../transports/transport.ts";
import { test, waitFor } from "../harness.ts";
import { openPair, type Pair, RecordedEnd, RecordingAcceptor } from "./recording.ts";

/** A transport that runs, with a client's side for it. */
export interface Running {
  readonly transport: Transport;
  readonly client: ClientTransport;
  readonly url: string;
  close(): Promise<void>;
}

/** Starts a transport for a hub. */
export type Start = (acceptor: RecordingAcceptor) => Running;

const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);

/** The settled state of a link: whatever was to be reported has been. */
const settled = async ({ client, server }: Pair) => {
  await client.ended();
  await server.ended();
  await waitFor(() => server.freeings.length > 0, { what: "the carrier to let go" });
  await new Promise((resolve) => setTimeout(resolve));
};

/**
 * Registers the cases.
 *
 * @param name The transport's name, as it stands in the titles.
 * @param start Starts it.
 */
export function linkCases(name: string, start: Start): void {
  const linkTest = (title: string, fn: (running: Running, acceptor: RecordingAcceptor) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const acceptor = new RecordingAcceptor();
      const running = start(acceptor);
      try {
        await fn(running, acceptor);
      } finally {
        await running.close();
      }
    });
  const pairTest = (title: string, fn: (pair: Pair, running: Running) => Promise<void>) =>
    linkTest(title, async (running, acceptor) => {
      const pair = await openPair(acceptor, running.client, running.url);
      await fn(pair, running);
      pair.server.link.close(1000, "");
      await settled(pair);
      assertEquals([pair.client.closings.length, pair.server.closings.length], [1, 1]);
      assertEquals(pair.server.freeings, [1], "the carrier lets go once, after the close");
    });

  pairTest("frames arrive in order, whole, both ways", async ({ client, server }) => {
    const sent = Array.from({ length: 500 }, (_, index) => `frame ${index} ü€😀`);
    for (const frame of sent) client.link.send(frame);
    for (const frame of sent) server.link.send(frame);
    await waitFor(() => client.frames.length >= sent.length && server.frames.length >= sent.length);
    assertEquals(client.frames, sent);
    assertEquals(server.frames, sent);
  });

  pairTest("text stays text and bytes stay bytes", async ({ client, server }) => {
    const sent = ["text", everyByte, "", new Uint8Array(), "more"];
    for (const frame of sent) client.link.send(frame);
    for (const frame of sent) server.link.send(frame);
    await waitFor(() => client.frames.length >= sent.length && server.frames.length >= sent.length);
    assertEquals(client.frames, sent);
    assertEquals(server.frames, sent);
    for (const frame of server.frames) {
      assert(typeof frame === "string" || frame.constructor === Uint8Array, "bytes are a plain Uint8Array");
    }
  });

  pairTest("half a character arrives as the mark that replaces it", async ({ client, server }) => {
    server.link.send("half \ud83d!");
    client.link.send("\ude00 half");
    await waitFor(() => client.frames.length >= 1 && server.frames.length >= 1);
    assertEquals([client.frames, server.frames], [["half \ufffd!"], ["\ufffd half"]]);
    server.link.close(4000, "half \ud83d");
    assertEquals(await client.ended(), { code: 4000, reason: "half \ufffd" });
  });

  pairTest(
    "a frame that was received stays as it was, whatever comes after it",
    async ({ client, server }) => {
      for (let value = 0; value < 50; value++) client.link.send(new Uint8Array(100).fill(value));
      await waitFor(() => server.frames.length >= 50);
      assertEquals(server.frames, Array.from({ length: 50 }, (_, value) => new Uint8Array(100).fill(value)));
    },
  );

  pairTest("bytes may be used again as soon as they were sent", async ({ client, server }) => {
    const bytes = Uint8Array.of(1, 2, 3);
    server.link.send(bytes);
    bytes.fill(9);
    await waitFor(() => client.frames.length >= 1);
    assertEquals(client.frames, [Uint8Array.of(1, 2, 3)]);
  });

  pairTest("a frame of 1 MiB arrives as it was sent", async ({ client, server }) => {
    const text = "é".repeat(1 << 19);
    const bytes = new Uint8Array(1 << 20).map((_, index) => index * 7);
    for (const end of [client, server]) {
      end.link.send(text);
      end.link.send(bytes);
    }
    await waitFor(() => client.frames.length >= 2 && server.frames.length >= 2);
    for (const end of [client, server]) assert(end.frames[0] === text);
    for (const end of [client, server]) assertEquals(end.frames[1], bytes);
  });

  linkTest(
    "code and reason of the server's close reach the client, and the server itself",
    async (running, acceptor) => {
      const pair = await openPair(acceptor, running.client, running.url);
      pair.server.link.close(4503, "Unknown subprotocol");
      await settled(pair);
      assertEquals(pair.client.closings, [{ code: 4503, reason: "Unknown subprotocol" }]);
      assertEquals(pair.server.closings, [{ code: 4503, reason: "Unknown subprotocol" }]);
    },
  );

  linkTest("code and reason of the client's close reach the server", async (running, acceptor) => {
    const pair = await openPair(acceptor, running.client, running.url);
    pair.client.link.close(4001, "Gone for tea ☕");
    await settled(pair);
    assertEquals(pair.server.closings, [{ code: 4001, reason: "Gone for tea ☕" }]);
    assertEquals(pair.client.closings, [{ code: 4001, reason: "Gone for tea ☕" }]);
  });

  linkTest("what was sent before a close arrives before it", async (running, acceptor) => {
    const pair = await openPair(acceptor, running.client, running.url);
    for (let index = 0; index < 20; index++) pair.server.link.send(new Uint8Array(1 << 16).fill(index));
    pair.server.link.close(4000, "");
    let atClose = -1;
    const { close } = pair.client;
    pair.client.close = (code, reason) => {
      atClose = pair.client.frames.length;
      close.call(pair.client, code, reason);
    };
    await settled(pair);
    assertEquals(atClose, 20);
  });

  linkTest(
    "a close is reported after the call, and no second close changes it",
    async (running, acceptor) => {
      const pair = await openPair(acceptor, running.client, running.url);
      pair.server.link.close(4001, "first");
      assertEquals(pair.server.closings, []);
      pair.server.link.close(4002, "second");
      await settled(pair);
      pair.server.link.close(4003, "third");
      await settled(pair);
      assertEquals(pair.server.closings, [{ code: 4001, reason: "first" }]);
      assertEquals(pair.client.closings, [{ code: 4001, reason: "first" }]);
    },
  );

  linkTest("after a close nothing is sent, received or buffered", async (running, acceptor) => {
    const pair = await openPair(acceptor, running.client, running.url);
    pair.client.link.send("under way");
    pair.server.link.close(4000, "");
    pair.server.link.send("late");
    await settled(pair);
    pair.server.link.send("later");
    assertEquals(pair.server.link.bufferedAmount, 0);
    await settled(pair);
    assertEquals(pair.client.frames, []);
    assertEquals(pair.server.frames, []);
  });

  linkTest("two ends that close at once each hear of one close", async (running, acceptor) => {
    const pair = await openPair(acceptor, running.client, running.url);
    pair.server.link.close(4001, "server");
    pair.client.link.close(4002, "client");
    await settled(pair);
    assertEquals(pair.server.closings, [{ code: 4001, reason: "server" }]);
    assertEquals(pair.client.closings.length, 1);
  });

  linkTest("a reason that is too long is cut between two characters", async (running, acceptor) => {
    for (
      const [reason, cut] of [["😀".repeat(40), "😀".repeat(30)], [
        `a${"é".repeat(70)}`,
        `a${"é".repeat(61)}`,
      ]]
    ) {
      const pair = await openPair(acceptor, running.client, running.url);
      pair.server.link.close(4000, reason);
      await settled(pair);
      assertEquals(pair.client.closings, [{ code: 4000, reason: cut }]);
      assertEquals(pair.server.closings, [{ code: 4000, reason: cut }]);
    }
  });

  linkTest("a code that cannot be sent becomes one that can", async (running, acceptor) => {
    const asked = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 70_000, -1, 1000.5, NaN];
    for (const code of asked) {
      const pair = await openPair(acceptor, running.client, running.url);
      pair.server.link.close(code, "why");
      await settled(pair);
      const expected = { code: code === 1005 ? 1000 : 1011, reason: "why" };
      assertEquals(pair.client.closings, [expected], `${code}`);
      assertEquals(pair.server.closings, [expected], `${code}`);
    }
  });

  linkTest("a hub may answer and close while it accepts", async (running, acceptor) => {
    acceptor.onAccept = (link) => {
      link.send("sorry");
      link.close(4503, "No");
    };
    const pair = await openPair(acceptor, running.client, running.url, ["unknown"]);
    await settled(pair);
    assertEquals(pair.client.frames, ["sorry"]);
    assertEquals(pair.client.closings, [{ code: 4503, reason: "No" }]);
    assertEquals(pair.server.closings, [{ code: 4503, reason: "No" }]);
  });

  linkTest("of several subprotocols the hub's favourite is picked", async (running, acceptor) => {
    const { client, server } = await openPair(acceptor, running.client, running.url, [
      "x",
      "test.v1",
      "test.v2",
    ]);
    assertEquals([client.link.subprotocol, server.link.subprotocol], ["test.v2", "test.v2"]);
  });

  linkTest("an offer of unknown subprotocols opens with the first of them", async (running, acceptor) => {
    const { client, server } = await openPair(acceptor, running.client, running.url, [
      "other.v9",
      "other.v8",
    ]);
    assertEquals([client.link.subprotocol, server.link.subprotocol], ["other.v9", "other.v9"]);
  });

  linkTest("no offer opens without a subprotocol", async (running, acceptor) => {
    const { client, server } = await openPair(acceptor, running.client, running.url, []);
    assertEquals([client.link.subprotocol, server.link.subprotocol], ["", ""]);
  });

  linkTest("a client that is refused gets no link", async (running, acceptor) => {
    acceptor.refusal = () => new Response("Full", { status: 503 });
    const client = new RecordedEnd();
    running.client.connect(running.url, ["test.v1"], client);
    assertEquals((await client.ended()).code, 1006);
    assertEquals([acceptor.admitted.length, acceptor.ends.length, client.link], [1, 0, undefined!]);
  });

  linkTest("the request can be read as long as the link is there", async (running, acceptor) => {
    const { server } = await openPair(acceptor, running.client, `${running.url}?room=1`, ["test.v1"]);
    const { request, address } = server.request;
    assert(server.request === acceptor.admitted[0]);
    assertEquals(new URL(request.url).search, "?room=1");
    assertEquals(new URL(request.url).protocol, "http:");
    assertEquals(request.headers.get("sec-websocket-protocol"), "test.v1");
    assertEquals(address, "127.0.0.1");
  });

  linkTest(
    "a frame above the limit closes its link with code 1009, and no other",
    async (running, acceptor) => {
      for (
        const frame of [
          new Uint8Array(acceptor.maxFrameBytes + 1),
          "é".repeat(acceptor.maxFrameBytes / 2 + 1),
        ]
      ) {
        const other = await openPair(acceptor, running.client, running.url);
        const pair = await openPair(acceptor, running.client, running.url);
        pair.client.link.send(frame);
        await settled(pair);
        assertEquals(pair.server.frames, []);
        assertEquals(pair.client.closings.map(({ code }) => code), [1009]);
        assertEquals(pair.server.closings.length, 1);
        other.client.link.send("still here");
        await waitFor(() => other.server.frames.length === 1);
      }
    },
  );

  linkTest("a frame just at the limit is taken", async (running, acceptor) => {
    const { client, server } = await openPair(acceptor, running.client, running.url);
    client.link.send(new Uint8Array(acceptor.maxFrameBytes));
    client.link.send("é".repeat(acceptor.maxFrameBytes / 2));
    await waitFor(() => server.frames.length === 2);
  });

  linkTest(
    "the end of a turn comes once per call, later, and before another frame is heard",
    async (running, acceptor) => {
      const { client, server } = await openPair(acceptor, running.client, running.url);
      const log: string[] = [];
      server.onFrame = (frame) => {
        log.push(`got ${frame}`);
        systemClock.endOfTurn(() => {
          log.push("end");
          server.link.send("answer");
        });
        log.push("asked");
      };
      client.onFrame = () => client.frames.length === 1 && client.link.send("two");
      client.link.send("one");
      await waitFor(() => log.length >= 6);
      assertEquals(log, ["got one", "asked", "end", "got two", "asked", "end"]);
    },
  );
}
