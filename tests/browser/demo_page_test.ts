import axe from "axe-core";
import type { FrameLocator, Page } from "playwright-core";
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { test } from "../harness.ts";
import { Demo, DemoWindow } from "./windows.ts";

const PHONE = { width: 390, height: 844 };

/** Waits until a window is served, and tells by which node. */
async function nodeOf(window: Page | FrameLocator): Promise<number> {
  const status = window.locator("#status-text", { hasText: /(Connected|Moved) to node \d/ });
  await status.waitFor();
  return Number(/\d/.exec(await status.innerText())![0]);
}

/** Waits until what was counted is told, and tells it. */
async function resultsOf(page: Page): Promise<string[]> {
  await page.locator('#score:is([data-state="whole"], [data-state="fault"])').waitFor({ timeout: 20_000 });
  return await page.locator("#score-lines .result").allInnerTexts();
}

/** The problems that axe finds in a page and in its inner windows. */
async function problemsOf(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const frame of page.frames().filter((frame) => frame.url() !== "about:blank")) {
    // Colours in the middle of a change do not count.
    await frame.evaluate(async () => {
      const changes = document.getAnimations().filter(({ effect }) =>
        effect!.getComputedTiming().iterations !== Infinity
      );
      await Promise.allSettled(changes.map(({ finished }) => finished));
    });
    await frame.evaluate(axe.source);
    const { violations } = await frame.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run({ iframes: false })
    );
    for (const { id, nodes } of violations) {
      found.push(`${frame.url()} ${id}: ${nodes.map(({ html }) => html)}`);
    }
  }
  return found;
}

/** The lines in which the texts of some elements are shown. */
function linesOf(page: Page, selector: string): Promise<string[][]> {
  return page.locator(selector).evaluateAll((elements) =>
    elements.map((element) => {
      const lines = new Map<number, string>();
      for (const part of element.children) {
        for (const { top } of [...part.getClientRects()]) {
          lines.set(Math.round(top), `${lines.get(Math.round(top)) ?? ""}${part.textContent}`);
        }
      }
      return [...lines.values()];
    })
  );
}

/** How far the name in the page's head is from the text of the button beside it. */
function headGap(page: Page): Promise<number> {
  return page.evaluate(() => {
    const [name, label] = [".brand span", "#split"].map((selector) => {
      const text = document.createRange();
      text.selectNodeContents(document.querySelector(selector)!);
      return text.getBoundingClientRect();
    });
    return label!.left - name!.right;
  });
}

/** Controls that a finger could miss: those smaller than 44 pixels. */
async function smallTargets(page: Page): Promise<string[]> {
  const found: string[] = [];
  for (const frame of page.frames()) {
    found.push(
      ...await frame.locator("button, a[href], input, label:has(input)").evaluateAll((elements) =>
        elements.flatMap((element) => {
          const { width, height } = element.getBoundingClientRect();
          // A radio button is as large as its label; the skip link is for keyboard users.
          if (width === 0 || element.matches(".skip, [type=radio]")) return [];
          return width < 44 || height < 44 ? [`${element.outerHTML.slice(0, 80)} ${width} × ${height}`] : [];
        })
      ),
    );
  }
  return found;
}

test("the demo is live at once: two windows on two nodes, a kill, and a score that was counted", async () => {
  await using demo = await Demo.start();
  const { page, problems } = await demo.visit({ reducedMotion: "no-preference" });
  const second = page.frameLocator("#second");
  const [node, other] = [await nodeOf(page), await nodeOf(second)];
  assertNotEquals(node, other);
  assertEquals(await page.locator("dialog").count(), 0, "nothing is asked");
  const names = await Promise.all([page, second].map((window) => window.locator("#own-name").inputValue()));
  assertMatch(names.join(), /^\w+ \w+,\w+ \w+$/);
  assertEquals(await page.locator("h1").innerText(), "Three servers. Kill one: nothing is lost.");

  await page.getByLabel("Message to").fill("from the first window");
  await page.keyboard.press("Enter");
  await second.locator(".message", { hasText: "from the first window" }).waitFor();
  await second.getByLabel("Message to").fill("from the second one");
  await second.getByLabel("Message to").press("Enter");
  await page.locator(".message", { hasText: "from the second one" }).waitFor();
  await page.locator(".bead").first().waitFor(); // on its way along the trunk
  await page.emulateMedia({ reducedMotion: "reduce" }); // drawing it all takes more than all the rest

  assertEquals(await problemsOf(page), [], "before a kill, light");
  await page.getByRole("button", { name: `Kill node ${node}` }).click();
  const results = await resultsOf(page);
  const moved = await nodeOf(page);
  assertNotEquals(moved, node);
  assertMatch(results[0]!, /^moved in \d+\.\d s · 0 lost · 0 twice$/);
  assertEquals(results[1], `stayed on node ${other} · 0 lost · 0 twice`);
  assertEquals(await page.locator("#score-cause").innerText(), `Node ${node} was killed`);
  assertMatch(await page.locator("#score-proof").innerText(), /^Counted from \d+ numbered messages; /);

  // Another browser begins with another node; on a phone.
  const { page: phone } = await demo.visit({ viewport: PHONE, colorScheme: "dark" });
  const phoneSecond = phone.frameLocator("#second");
  assertNotEquals(await nodeOf(phone), await nodeOf(phoneSecond));
  assertEquals(await phone.evaluate(() => document.documentElement.scrollWidth), PHONE.width);
  assertEquals(await smallTargets(phone), []);
  assert(await headGap(phone) >= 24, `the name and the button are ${await headGap(phone)} pixels apart`);
  await phone.setViewportSize({ width: 320, height: 640 });
  assert(await headGap(phone) >= 16, `${await headGap(phone)} pixels apart on the smallest phone`);
  assertEquals(await phone.evaluate(() => document.documentElement.scrollWidth), 320);
  assertEquals(await smallTargets(phone), []);
  await phone.setViewportSize(PHONE);
  await phone.locator(".facts .rate").first().waitFor();
  for (const lines of await linesOf(phone, ".facts:has(.rate)")) {
    assertMatch(
      lines.join("|"),
      /^\d windows?\|\d+ in, \d+ out \/s$/,
      "what belongs together is on one line",
    );
  }
  const colours = await phone.locator(".facts span").evaluateAll((spans) =>
    spans.map((span) => getComputedStyle(span).backgroundColor)
  );
  assert(
    colours.every((colour) => colour === "rgba(0, 0, 0, 0)"),
    "facts are text: no style of other parts is on them",
  );
  const kill = phone.locator('.node[data-here="true"] .danger');
  const [button, score] = [await kill.boundingBox(), await phone.locator("#score").boundingBox()];
  assert(score!.y + score!.height < PHONE.height && button!.y > 0, "both are on the screen at once");
  await kill.click();
  assertMatch((await resultsOf(phone))[0]!, /^moved in \d+\.\d s · 0 lost · 0 twice$/);
  assertEquals(await phone.locator(".bead").count(), 0, "who wants no motion sees none");
  assertEquals(await problemsOf(phone), [], "after a kill, on a phone, dark");
  assertEquals(problems.filter((text) => !text.includes("ERR_CONNECTION")), []);
}, { timeoutMs: 120_000 });

test(
  "a name is changed where it stands, the second window can be closed, and the code is a link away",
  async () => {
    await using demo = await Demo.start();
    const { page } = await demo.visit({});
    const second = page.frameLocator("#second");
    const [node, other] = [await nodeOf(page), await nodeOf(second)];
    const guest = await second.locator("#own-name").inputValue();
    await page.getByLabel("You are").fill("Ann");
    await page.keyboard.press("Enter");
    const ann = new DemoWindow(page, "");
    await ann.hasPeople(...[`Ann node ${node}`, `${guest} node ${other}`].toSorted());
    await page.getByLabel("You are").fill("  ");
    await page.keyboard.press("Enter");
    assertEquals(await page.getByLabel("You are").inputValue(), "Ann", "nobody has no name");

    await page.reload();
    assertEquals([await nodeOf(page), await nodeOf(second)], [node, other], "each window has what it had");
    await ann.hasPeople(...[`Ann node ${node}`, `${guest} node ${other}`].toSorted());
    await page.getByRole("button", { name: "Close second window" }).click();
    await ann.hasPeople(`Ann node ${node}`);
    await page.getByRole("button", { name: "Open second window" }).click();
    assertEquals(await nodeOf(second), other);

    const links = await page.locator("a.code:visible").evaluateAll((all) =>
      all.map((link) => link.getAttribute("href")!)
    );
    assertEquals(links.map((link) => link.replace("/code#", "")).toSorted(), [
      "chat",
      "crossings",
      "score",
      "ticker",
      "trunk",
    ]);
    await page.goto(new URL(links[0]!, page.url()).href);
    for (const link of links) await page.locator(link.replace("/code", "")).getByText("export ").waitFor();
    assertEquals(await problemsOf(page), []);
  },
  { timeoutMs: 120_000 },
);
