import { assertEquals } from "@std/assert";
import { test, waitFor } from "../harness.ts";
import { lendDemo } from "./shared_demo.ts";
import { Demo, type DemoWindow } from "./windows.ts";

const TIMEOUT = { timeoutMs: 90_000 };
/** The node timeout of the demo, and the time in which people may come back: see `node.ts`. */
const GONE_MS = 2_000 + 1_000;

/** Records the people that enter and leave the list from now on. */
async function record(window: DemoWindow): Promise<() => Promise<string[]>> {
  await window.page.evaluate(() => {
    const deeds: string[] = [];
    Object.assign(globalThis, { deeds });
    const nameOf = (element: Element) => element.querySelector(".who")?.textContent;
    new MutationObserver((changes) => {
      for (const { addedNodes, removedNodes } of changes) {
        for (const node of addedNodes) deeds.push(`+${nameOf(node as Element)}`);
        for (const node of removedNodes) deeds.push(`-${nameOf(node as Element)}`);
      }
    }).observe(document.querySelector(".panel:not([hidden]) .members")!, { childList: true });
  });
  return () => window.page.evaluate(() => (globalThis as unknown as { deeds: string[] }).deeds);
}

/** Waits until the page has announced a text to screen readers. */
async function announces(window: DemoWindow, text: string): Promise<void> {
  await window.page.locator("#presence-news", { hasText: text }).waitFor({ state: "attached" });
}

test(
  "a person who comes has a picture in the other windows, and loses it when the page is closed",
  async () => {
    await using demo = await lendDemo();
    const { ann } = demo;
    await ann.page.getByRole("heading", { name: "1 person" }).waitFor();
    const bob = await demo.open("Bob Dylan", 2);
    await ann.hasPeople("Ann node 1", "Bob Dylan node 2");
    await ann.page.getByRole("heading", { name: "2 people" }).waitFor();
    await announces(ann, "Bob Dylan joined.");
    const picture = ann.page.locator(".person", { hasText: "Bob Dylan" }).locator(".avatar");
    assertEquals(await picture.innerText(), "BD");
    await ann.page.locator('.node[data-node="2"] .platform .avatar', { hasText: "BD" }).waitFor();
    assertEquals(await bob.people(), ["Ann node 1", "Bob Dylan node 2 · you"]);

    await bob.page.close();
    await ann.hasPeople("Ann node 1");
    await announces(ann, "Bob Dylan left.");
    await ann.page.locator('.node[data-node="2"] .platform .avatar').waitFor({ state: "detached" });
    assertEquals([...ann.problems, ...bob.problems], []);
  },
  TIMEOUT,
);

test("people in the same room see who is typing, until that person sends the message or stops", async () => {
  await using demo = await lendDemo();
  const { ann } = demo;
  const bob = await demo.open("Bob", 2);
  const typing = ann.page.locator('.person[data-typing="true"]', { hasText: "Bob" });
  const field = bob.page.getByLabel("Message to");

  await field.pressSequentially("hi from Bob");
  await ann.page.getByText("Bob is typing…").waitFor();
  await typing.waitFor();
  assertEquals(await bob.page.locator("#typing").innerText(), "", "nobody is told of themselves");
  await field.press("Enter");
  await ann.hears("hi from Bob");
  await typing.waitFor({ state: "detached" });

  await field.pressSequentially("h");
  await typing.waitFor();
  await field.press("Backspace");
  await typing.waitFor({ state: "detached" });

  await field.pressSequentially("h");
  await typing.waitFor();
  await typing.waitFor({ state: "detached" }); // no key for a while
  assertEquals([...ann.problems, ...bob.problems], []);
}, TIMEOUT);

test("with reduced motion, people come, type and go without animations", async () => {
  await using demo = await lendDemo({ reducedMotion: "reduce" });
  const { ann } = demo;
  await ann.page.evaluate(() => {
    const moved: string[] = [];
    Object.assign(globalThis, { moved });
    const animate = Element.prototype.animate;
    Element.prototype.animate = function (frames, options) {
      const properties = (frames as Keyframe[]).flatMap((frame) => Object.keys(frame));
      if (properties.some((property) => property !== "opacity")) moved.push(this.className);
      return animate.call(this, frames, options);
    };
  });
  const bob = await demo.open("Bob", 2);
  await bob.page.getByLabel("Message to").pressSequentially("h");
  await ann.page.locator('.person[data-typing="true"]').waitFor();
  const running = await ann.page.evaluate(() =>
    document.getAnimations().filter((animation) => animation instanceof CSSAnimation).length
  );
  await bob.page.close();
  await ann.page.locator(".person", { hasText: "Bob" }).waitFor({ state: "detached" });
  const moved = await ann.page.evaluate(() => (globalThis as unknown as { moved: string[] }).moved);
  assertEquals([running, moved], [0, []]);
}, TIMEOUT);

test("several windows of one user are one person, who stays until the last of them is closed", async () => {
  await using demo = await lendDemo();
  const { ann } = demo;
  const one = await demo.open("Bob", 2);
  await ann.hasPeople("Ann node 1", "Bob node 2");
  const deeds = await record(ann);
  const two = await demo.open("Bob", 3);
  const cid = await demo.open("Cid", 1);
  await waitFor(async () => (await ann.people()).length === 3, { what: "Cid to be there", intervalMs: 50 });
  await one.page.close();
  await ann.hasPeople("Ann node 1", "Bob node 3", "Cid node 1");
  await two.page.close();
  await ann.hasPeople("Ann node 1", "Cid node 1");
  await waitFor(async () => (await deeds()).length === 2, { what: "the picture to be gone", intervalMs: 50 });
  assertEquals(await deeds(), ["+Cid", "-Bob"]);
  assertEquals([...ann.problems, ...one.problems, ...two.problems, ...cid.problems], []);
}, TIMEOUT);

test(
  "when a node is killed its people are leaving, and move once or are gone within the timeout",
  async () => {
    await using demo = await Demo.start();
    const ann = await demo.open("Ann", 1);
    const bob = await demo.open("Bob", 2);
    const cid = await demo.open("Cid", 2);
    await ann.hasPeople("Ann node 1", "Bob node 2", "Cid node 2");
    const deeds = await record(ann);

    // Cid's page stands still, as that of a computer that sleeps.
    const debug = await cid.page.context().newCDPSession(cid.page);
    await debug.send("Debugger.enable");
    await debug.send("Debugger.pause");
    const killedAt = performance.now();
    await ann.press("Kill", 2);
    await ann.page.locator(".person", { hasText: /Cid\s*leaving…/ }).waitFor();
    const node = await bob.movedTo();
    await ann.hasPeople("Ann node 1", `Bob node ${node}`);
    const goneMs = performance.now() - killedAt;
    assertEquals(goneMs < GONE_MS + 3_000, true, `it took ${goneMs} ms`);
    await announces(ann, "Cid left.");
    await ann.page.locator(".log li", { hasText: /node 2 → node 1\s*lobby\s*left: Cid/ }).waitFor();

    await debug.send("Debugger.resume");
    const other = await cid.movedTo();
    await ann.hasPeople("Ann node 1", `Bob node ${node}`, `Cid node ${other}`);
    assertEquals(await deeds(), ["-Cid", "+Cid"], "Bob never left, and Cid is back once");
    assertEquals(ann.problems, []);
  },
  TIMEOUT,
);

test("a person who moves to another node, or reloads the page, neither leaves nor joins", async () => {
  await using demo = await Demo.start();
  const ann = await demo.open("Ann", 1);
  const bob = await demo.open("Bob", 2);
  await ann.hasPeople("Ann node 1", "Bob node 2");
  const deeds = await record(ann);
  await ann.press("Stop", 2);
  const node = await bob.movedTo();
  await ann.hasPeople("Ann node 1", `Bob node ${node}`);
  await announces(ann, "Bob moved to another node.");
  await bob.page.reload();
  await bob.page.locator(".person", { hasText: "Bob" }).waitFor();
  await bob.page.getByLabel("Message to").pressSequentially("h");
  await ann.page.getByText("Bob is typing…").waitFor(); // from the page as it is now
  assertEquals(await deeds(), []);
  assertEquals([...ann.problems, ...bob.problems], []);
}, TIMEOUT);
