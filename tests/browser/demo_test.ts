import { assertEquals } from "@std/assert";
import { test, waitFor } from "../harness.ts";
import { lendDemo } from "./shared_demo.ts";
import { Demo } from "./windows.ts";

const TIMEOUT = { timeoutMs: 90_000 };

test("windows on different nodes talk, see each other type, and follow the same prices", async () => {
  const moving = { reducedMotion: "no-preference" } as const;
  await using demo = await lendDemo(moving);
  const { ann } = demo;
  const bob = await demo.open("Bob", 2, moving);
  await ann.hasPeople("Ann node 1", "Bob node 2");
  await bob.hasPeople("Ann node 1", "Bob node 2");

  await ann.page.getByLabel("Message to").pressSequentially("hi");
  await bob.page.getByText("Ann is typing…").waitFor();
  await ann.say("hi Bob");
  await bob.hears("hi Bob");
  await waitFor(async () => await bob.page.locator("#typing").innerText() === "", {
    what: "the typing to end",
    intervalMs: 50,
  });
  await bob.say("<b>hi</b> Ann");
  await ann.hears("<b>hi</b> Ann");
  // What others have said before is shown too.
  for (const window of [ann, bob]) {
    assertEquals((await window.messages()).slice(-2), ["hi Bob", "<b>hi</b> Ann"]);
  }

  await bob.page.locator(".log li", { hasText: /node 1 → node 2\s*lobby\s*message from Ann/ }).waitFor();
  await Promise.all([ann.seesPricesMove(), bob.seesPricesMove()]);
  assertEquals([...ann.problems, ...bob.problems], []);
}, TIMEOUT);

test(
  "a window whose node is stopped moves to another one and goes on, and the node can come back",
  async () => {
    await using demo = await Demo.start();
    const ann = await demo.open("Ann", 1);
    const bob = await demo.open("Bob", 2);
    await ann.say("before");
    await bob.hears("before");

    await bob.press("Stop", 2);
    await bob.say("from Bob, while he moves");
    await ann.say("from Ann, while Bob moves");
    const node = await bob.movedTo(); // drawn at random
    await bob.page.getByText(new RegExp(`^Gap: \\d+ missed ticks? fetched from the history of node ${node}$`))
      .waitFor();
    await ann.hears("from Bob, while he moves");
    await bob.hears("from Ann, while Bob moves");
    await bob.say("after");
    await ann.hears("after");
    await ann.say("I hear you");
    await bob.hears("I hear you");
    await ann.hasPeople("Ann node 1", `Bob node ${node}`);
    assertEquals((await bob.messages()).toSorted(), (await ann.messages()).toSorted());
    await bob.seesPricesMove();
    await ann.nodeIs(2, "stopped");

    await bob.press("Start", 2);
    await ann.nodeIs(2, "0 windows");
    const cid = await demo.open("Cid", 2);
    await cid.hears("before");
    await cid.hasPeople("Ann node 1", `Bob node ${node}`, "Cid node 2");
    assertEquals([...ann.problems, ...bob.problems, ...cid.problems], []);
  },
  TIMEOUT,
);

test("a window whose node is killed moves to another one, and the dead node leaves the cluster", async () => {
  await using demo = await Demo.start();
  const ann = await demo.open("Ann", 1);
  const bob = await demo.open("Bob", 2);
  await bob.press("Kill", 2);
  const node = await bob.movedTo();
  await bob.say("still here");
  await ann.hears("still here");
  await ann.nodeIs(2, "stopped");
  await ann.hasPeople("Ann node 1", `Bob node ${node}`);
  await ann.seesPricesMove();
  // The browser itself says so when a port is closed, or closes while it connects.
  assertEquals(bob.problems.filter((text) => !/ERR_CONNECTION_(REFUSED|RESET|CLOSED)/.test(text)), []);
  assertEquals(ann.problems, []);
}, TIMEOUT);

test(
  "the prices go on when the node that publishes them is stopped, and when the next one is killed; that the last one is, a window sees too",
  async () => {
    await using demo = await Demo.start();
    const ann = await demo.open("Ann", 1);
    const first = await ann.publisherOtherThan(0);
    await ann.press("Stop", first);
    const second = await ann.publisherOtherThan(first);
    await ann.seesPricesMove();
    await ann.press("Kill", second);
    const third = await ann.publisherOtherThan(second);
    await ann.seesPricesMove();
    // By somebody else: no answer tells this window, and no node.
    const { origin } = new URL(ann.page.url());
    await ann.page.request.post(`${origin}/nodes/${third}/kill`, { headers: { origin } });
    await ann.nodeIs(third, "stopped");
    await ann.page.getByRole("button", { name: `Start node ${third}` }).waitFor();
  },
  TIMEOUT,
);

test("every control has a name, and a message can be sent and a room joined without a mouse", async () => {
  await using demo = await lendDemo();
  const { ann } = demo;
  const bob = await demo.open("Bob", 2, { viewport: { width: 320, height: 700 }, colorScheme: "dark" });

  const session = await ann.page.context().newCDPSession(ann.page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const controls = nodes.filter(({ role }) =>
    ["button", "link", "radio", "tab", "tabpanel", "textbox", "img", "log", "list"].includes(
      String(role?.value),
    )
  );
  const nameless = controls.filter(({ name, role, ignored }) =>
    !ignored && !name?.value && role?.value !== "list"
  );
  assertEquals(nameless.map(({ role }) => role?.value), []);
  assertEquals(controls.filter(({ role }) => role?.value === "button").length >= 8, true);

  const { keyboard } = ann.page;
  await ann.page.locator("body").evaluate((body) =>
    body.ownerDocument.activeElement instanceof HTMLElement && body.ownerDocument.activeElement.blur()
  );
  await keyboard.press("Tab");
  await keyboard.press("Enter"); // the skip link
  await keyboard.type("by keyboard");
  await keyboard.press("Enter");
  await bob.hears("by keyboard");

  await ann.page.getByRole("tab", { name: "lobby" }).focus();
  await keyboard.press("ArrowRight");
  assertEquals(await ann.page.getByRole("tab", { name: "random" }).getAttribute("aria-selected"), "true");
  await ann.page.getByText("You are not in random").waitFor();
  await ann.page.getByRole("button", { name: "Join random" }).focus();
  await keyboard.press("Enter");
  await ann.hasPeople("Ann node 1");

  const width = await bob.page.evaluate(() => document.documentElement.scrollWidth);
  assertEquals(width, 320, "the page fits a narrow window, and a wide one at 400 %");
  assertEquals([...ann.problems, ...bob.problems], []);
}, TIMEOUT);

test("the demo runs on the memory adapter too", async () => {
  await using demo = await Demo.start("--adapter", "memory", "--nodes", "2");
  const ann = await demo.open("Ann", 1);
  const bob = await demo.open("Bob", 2);
  await ann.page.locator("#backplane", { hasText: "over memory" }).waitFor();
  await ann.say("one process, two hubs");
  await bob.hears("one process, two hubs");
  await bob.press("Stop", 2);
  await bob.hasStatus("Moved to node 1");
  await ann.hasPeople("Ann node 1", "Bob node 1");
  assertEquals(await ann.page.getByRole("button", { name: /^Kill/ }).count(), 0);
  assertEquals([...ann.problems, ...bob.problems], []);
}, TIMEOUT);
