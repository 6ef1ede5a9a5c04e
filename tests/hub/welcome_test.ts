import { assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import { FakeClock } from "../fake_clock.ts";
import { testOnAdapters } from "./cluster.ts";

const never = () => new Promise<void>(() => {});

testOnAdapters(
  "a backplane that hangs makes a client wait for a second, and then accepts it",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(1, { clock });
    const [a] = cluster.nodes;
    a!.tap.beforeSubscribe = never;
    let open = false;
    const entering = a!.member("ann").then((client) => {
      open = true;
      return client;
    });
    await waitFor(() => a!.hub.stats().connections === 1, { what: "the client to be authenticated" });
    clock.advance(999);
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(open, false);
    clock.advance(1);
    const ann = await entering;
    assertEquals(await ann.request("say", { room: "lobby", text: "hi" }), { id: "1" });
  },
);

testOnAdapters(
  "onDisconnect gets the rooms that a client was in, and they are empty by then",
  async (start) => {
    const left: string[][] = [];
    await using cluster = await start(1, { onDisconnect: ({ rooms }) => void left.push([...rooms]) });
    const [a] = cluster.nodes;
    const ann = await a!.member("ann");
    await ann.request("join", { room: "lobby" });
    await ann.request("join", { room: "garden" });
    await ann.request("leave", { room: "garden" });
    await ann.close();
    await waitFor(() => left.length === 1, { what: "the disconnect" });
    assertEquals(left, [["lobby"]]);
    assertEquals((await a!.hub.room("lobby").members()).connections, []);
  },
);
