import { assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { HubError } from "../../client/mod.ts";
import { type Codec, type Encoded, jsonCodec } from "../../contract/mod.ts";
import type { ClientTransport, Link } from "../../transports/transport.ts";
import { test } from "../harness.ts";
import { FakeServer } from "./fake_server.ts";
import { connecting, opened, rejection, retried, turn } from "./setup.ts";

/** A transport of the user's whose methods throw when they are told to. */
function breaking(
  broken: { send?: boolean; close?: boolean },
): { server: FakeServer; transport: ClientTransport } {
  const server = new FakeServer();
  const failure = (what: string) => new Error(`${what} failed`);
  const transport: ClientTransport = {
    connect(url, subprotocols, events) {
      const close = server.connect(url, subprotocols, {
        ...events,
        message: (frame) => events.message(frame),
        drain: () => {},
        close: (code, reason) => events.close(code, reason),
        open: (link: Link) =>
          events.open({
            subprotocol: link.subprotocol,
            bufferedAmount: 0,
            send(frame: Encoded) {
              if (broken.send) throw failure("send");
              link.send(frame);
            },
            close: (code, reason) => link.close(code, reason),
          }),
      });
      return (code, reason) => {
        if (broken.close) throw failure("close");
        close(code, reason);
      };
    },
  };
  return { server, transport };
}

test("a transport that throws while it sends loses its link, is reported, and is tried again", async () => {
  const broken = { send: false };
  const { server, transport } = breaking(broken);
  const rig = await connecting({ transport });
  server.link.welcome();
  await rig.client.ready;
  broken.send = true;
  assertEquals((await rejection(rig.client.request("say", { text: "x" }))).code, "DISCONNECTED");
  assertEquals([rig.client.status, rig.errors.length], ["reconnecting", 1]);
  const { error, info } = rig.errors[0]!;
  assertInstanceOf(error, HubError);
  assertEquals([(error.cause as Error).message, info], ["send failed", { stage: "connection" }]);

  // The hello too: it may well pass the next time.
  await retried(rig);
  server.link.open();
  assertEquals([rig.client.status, rig.statuses.at(-1)![1].attempt, rig.errors.length], [
    "reconnecting",
    2,
    2,
  ]);
  broken.send = false;
  await retried(rig);
  server.link.welcome();
  assertEquals(rig.client.status, "open");
  await rig.client.close();
  assertEquals(rig.clock.pending, 0);
});

test("even if a transport throws while it closes, the client closes and reports the error", async () => {
  for (const method of ["close", "send"] as const) {
    const broken: { send?: boolean; close?: boolean } = {};
    const { server, transport } = breaking(broken);
    const rig = await connecting({ transport });
    server.link.welcome();
    await rig.client.ready;
    broken[method] = true;
    rig.client.signal("typing", { room: "a" }); // is sent before the goodbye
    await rig.client.close();
    assertEquals([rig.client.status, await rig.client.closed, rig.clock.pending], ["closed", undefined, 0]);
    assertEquals(rig.statuses.map(([status]) => status), ["open", "closed"]);
    assertEquals(rig.errors.map(({ error }) => ((error as HubError).cause as Error).message), [
      `${method} failed`,
    ]);
  }
});

test("a codec that fails in its own way ends the connection with an error of the protocol", async () => {
  for (const thrown of [new TypeError("Own failure"), null]) {
    const codec: Codec = {
      ...jsonCodec,
      decode(frame) {
        if (frame === "bad") throw thrown;
        return jsonCodec.decode(frame);
      },
    };
    const { client, server, errors, statuses } = await opened({ codec });
    server.link.sayRaw("bad");
    const { error } = statuses.at(-1)![1];
    assertInstanceOf(error, HubError);
    assertEquals([error.code, error.cause], ["BAD_REQUEST", thrown === null ? undefined : thrown]);
    assertEquals(errors, [{ error, info: { stage: "protocol" } }]);
    assertEquals(server.link.closedBy?.code, 4500);
    await client.close();
  }
});

test("a server that accepts only tiny frames breaks the protocol, and leaves no timer", async () => {
  const rig = await connecting();
  rig.server.link.welcome({ maxFrameBytes: 255 });
  await turn();
  assertEquals([rig.client.status, rig.server.link.closedBy?.code], ["connecting", 4500]);
  assertStringIncludes(`${rig.errors[0]!.error}`, `"welcome"`);
  await retried(rig);
  rig.server.link.welcome({ maxFrameBytes: 256 });
  await rig.client.ready;
  rig.clock.jump(10_000); // a sleep: the client asks for a sign of life
  rig.clock.advance(1);
  await turn();
  assertEquals(rig.server.link.sent("ping").length, 1);
  await rig.client.close();
});

test("before the welcome only a fault is accepted, with a readable payload or not", async () => {
  const bad = `{"__proto__":1}`;
  for (
    const message of [
      `["req",1,"confirm",${bad}]`,
      `["ev","message",${bad}]`,
      `["rec","ticker/A",1,${bad}]`,
      `["err",1,{"code":"X","message":"x","data":${bad}}]`,
    ]
  ) {
    const { client, server, errors } = await connecting();
    server.link.open();
    server.link.sayRaw(`[${message}]`);
    assertEquals([client.status, server.link.closedBy?.code], ["connecting", 4500]);
    assertEquals(errors.map(({ info }) => info), [{ stage: "protocol" }]);
    assertStringIncludes(`${errors[0]!.error}`, "before welcome");
    await client.close();
  }
  const { client, server, errors } = await connecting();
  server.link.open();
  server.link.sayRaw(`[["fault",{"code":"UNAUTHENTICATED","message":"x","data":${bad}}]]`);
  assertEquals([server.link.closedBy, errors.length], [undefined, 1]);
  server.link.close(4501);
  assertEquals((await client.closed)!.code, "UNAUTHENTICATED");
});
