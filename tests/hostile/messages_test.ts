import { assert, assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import { asked, hostileTest } from "./scene.ts";

hostileTest("a message before hello ends the connection, and is not looked at", async ({ intrude }) => {
  const early = [
    ["req", 1, "echo", 1],
    ["sig", "any", 1],
    ["sub", 1, "open/1"],
    ["unsub", "open/1"],
    ["res", 1],
    ["cancel", 1],
    ["pong"],
  ];
  for (const message of early) {
    const intruder = await intrude();
    intruder.send(message);
    assertEquals((await intruder.closed()).code, 4500);
    const [fault, ...rest] = intruder.heard;
    assertEquals([fault?.[0], rest], ["fault", []]);
  }
});

hostileTest("a hello that is not alone in its frame is refused", async ({ intrude }) => {
  const hello = ["hello", { role: "member" }];
  for (const batch of [[], [hello, hello], [hello, ["req", 1, "echo", 1]], [["pong"], hello]]) {
    const intruder = await intrude();
    intruder.send(...batch);
    assertEquals((await intruder.closed()).code, 4500);
    assert(!intruder.heard.some(([kind]) => kind === "welcome"));
  }
});

hostileTest("a second hello ends the connection, whatever it asks for", async ({ enter }) => {
  for (const role of ["member", "admin", "nobody"]) {
    const intruder = await enter();
    intruder.send(["hello", { role }]);
    assertEquals((await intruder.closed()).code, 4500);
    assertEquals(intruder.heard.filter(([kind]) => kind === "welcome").length, 1);
  }
});

hostileTest(
  "a hello for an unknown role is refused with 4502, whatever its name",
  async ({ intrude }) => {
    for (const role of ["nobody", "", "shared", "__proto__", "constructor", "toString", "x".repeat(10_000)]) {
      const intruder = await intrude();
      intruder.send(["hello", { role, token: "t" }]);
      assertEquals((await intruder.closed()).code, 4502);
      const [, error] = await intruder.hears("fault");
      assertEquals(error.code, "FORBIDDEN");
      assert(error.message.length < 200);
    }
  },
);

hostileTest(
  "names that are not declared are answered with NOT_FOUND, and the connection lives",
  async ({ enter }) => {
    const intruder = await enter();
    const names = [
      "nothing",
      "",
      "__proto__",
      "constructor",
      "hasOwnProperty",
      "any",
      "open/1",
      "x".repeat(5_000),
    ];
    for (const [i, name] of names.entries()) {
      intruder.send(["req", i + 1, name, 1]);
      assertEquals((await intruder.hears("err", i + 1))[2].code, "NOT_FOUND");
    }
    intruder.send(...["echo", "__proto__", "constructor"].map((name) => ["sig", name, 1]));
    await waitFor(() => intruder.heard.filter(([kind]) => kind === "fault").length === 3, {
      what: "three faults",
    });
    for (const message of intruder.heard) {
      if (message[0] === "fault") {
        assertEquals(message[1].code, "NOT_FOUND");
      }
    }
    for (
      const [i, topic] of ["", "open", "open/", "open/1/2", "/open/1", "__proto__", "room:all"].entries()
    ) {
      intruder.send(["sub", 100 + i, topic]);
      assertEquals((await intruder.hears("err", 100 + i))[2].code, "NOT_FOUND");
    }
    await intruder.proveAlive();
  },
);

hostileTest("payloads of the wrong type are answered with VALIDATION, and say where", async ({ enter }) => {
  const intruder = await enter();
  for (const [i, input] of [undefined, null, 1, [], {}, { text: 1 }, { text: null }].entries()) {
    intruder.send(["req", i + 1, "strict", input]);
    const [, , error] = await intruder.hears("err", i + 1);
    assertEquals(error.code, "VALIDATION");
    assert((error.data as { issues: unknown[] }).issues.length > 0);
  }
  intruder.send(["sig", "object", { a: "one" }]);
  assertEquals((await intruder.hears("fault"))[1].code, "VALIDATION");
  await intruder.proveAlive();
});

hostileTest("a request id that is in use is refused, and the first keeps it", async ({ enter, hub }) => {
  const intruder = await enter();
  intruder.send(["req", 1, "wait", {}], ["req", 1, "wait", {}], ["req", 1, "echo", "x"]);
  await waitFor(() => intruder.heard.filter(([kind]) => kind === "err").length === 2, {
    what: "two refusals",
  });
  for (const message of intruder.heard) {
    if (message[0] === "err") assertEquals(message[2].code, "BAD_REQUEST");
  }
  assertEquals(hub.stats().handling, 1);
  intruder.send(["cancel", 1]);
  await waitFor(() => hub.stats().handling === 0, { what: "the first to be taken back" });
  intruder.send(["req", 1, "echo", "free again"]);
  assertEquals((await intruder.hears("res", 1))[2], "free again");
});

hostileTest(
  "answers without a question, and cancels without a request, do nothing",
  async ({ enter, hub }) => {
    const intruder = await enter();
    const error = { code: "FAKE", message: "fake" };
    for (const id of [1, 2, 2 ** 52, Number.MAX_SAFE_INTEGER]) {
      intruder.send(["res", id, "fake"], ["err", id, error], ["cancel", id], ["pong"], [
        "unsub",
        `open/${id}`,
      ]);
    }
    intruder.send(["unsub", "nothing"], ["unsub", ""], ["unsub", "__proto__"]);
    await intruder.proveAlive();
    assertEquals(intruder.heard.filter(([kind]) => kind !== "welcome" && kind !== "res"), []);
    assertEquals(hub.stats().handling, 0);
  },
);

hostileTest("a topic cannot be subscribed twice, and unsubscribing twice is once", async ({ enter, hub }) => {
  const intruder = await enter();
  intruder.send(["sub", 1, "open/1"], ["sub", 2, "open/1"]);
  await intruder.hears("res", 1);
  assertEquals((await intruder.hears("err", 2))[2].code, "BAD_REQUEST");
  assertEquals(hub.stats().subscriptions, 1);
  intruder.send(["unsub", "open/1"], ["unsub", "open/1"]);
  await waitFor(() => hub.stats().subscriptions === 0, { what: "the end of the subscription" });
  hub.publish("open/1", "unheard");
  await intruder.proveAlive();
  assert(!intruder.heard.some(([kind]) => kind === "pub"));
});

hostileTest(
  "subscribing and unsubscribing in any order ends as the last message says",
  async ({ enter, hub }) => {
    const intruder = await enter();
    for (let round = 0; round < 50; round++) {
      intruder.send(["sub", 2 * round + 1, "open/1"], ["unsub", "open/1"], ["sub", 2 * round + 2, "open/1"]);
      if (round < 49) intruder.send(["unsub", "open/1"]);
    }
    await intruder.hears("res", 100);
    assertEquals(hub.stats().subscriptions, 1);
    hub.publish("open/1", "once");
    await intruder.hears("pub");
    await intruder.proveAlive();
    assertEquals(intruder.heard.filter(([kind]) => kind === "pub"), [["pub", "open/1", "once"]]);
  },
);

hostileTest("a forged position recovers nothing, and harms no history", async ({ enter, hub }) => {
  const intruder = await enter();
  const published = await hub.publish("log/1", "first");
  const { epoch } = published!;
  const positions = [["", 0], ["forged", 1], [epoch, 2], [epoch, Number.MAX_SAFE_INTEGER], ["__proto__", 0]];
  for (const [i, since] of positions.entries()) {
    intruder.send(["sub", i + 1, "log/1", { since }], ["unsub", "log/1"]);
    intruder.send(["sub", 100 + i, "log/1", { since }]);
    const [, , answer] = await intruder.hears("res", 100 + i);
    assertEquals(answer, { position: [epoch, 1], recovered: false });
    intruder.send(["unsub", "log/1"]);
  }
  assert(!intruder.heard.some(([kind]) => kind === "rec"));
  assertEquals((await hub.history("log/1")).records, [{ offset: 1, payload: "first" }]);
});

hostileTest(
  "messages behind a slow schema wait their turn, within limits, and are dropped with their client",
  async (scene) => {
    const { enter, hub } = scene;
    const slow = Promise.withResolvers<boolean>();
    asked.promise = slow.promise;
    const [patient, leaving, flooding] = [await enter(), await enter(), await enter()];
    for (const intruder of [patient, leaving]) {
      intruder.send(["req", 1, "late", "a"], ["req", 2, "echo", "b"], ["req", 1, "echo", "c"], [
        "sig",
        "nothing",
      ]);
    }
    flooding.send(
      ["req", 1, "late", "a"],
      ...Array.from({ length: 20 }, (_, i) => ["req", i + 2, "echo", i]),
    );
    assertEquals((await flooding.closed()).code, 4005);
    await waitFor(() => hub.stats().handling === 2 * 4, { what: "the messages to wait" });
    leaving.raw.reset();
    await waitFor(() => hub.stats().handling === 4, {
      what: "the messages of the client that left to be forgotten",
    });
    slow.resolve(true);
    await patient.hears("res", 2);
    const answers = patient.heard.slice(1, 4).map(([kind, id]) => [kind, id]);
    assertEquals(answers, [["res", 1], ["res", 2], ["res", 1]]);
  },
  { limits: { maxPendingRequests: 10 } },
);
