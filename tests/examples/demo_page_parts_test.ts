import { assertEquals, assertMatch } from "@std/assert";
import { readFile } from "node:fs/promises";
import { Name, type PageConfig } from "../../examples/demo/contract.ts";
import { ownPlace, remember, remembered } from "../../examples/demo/page/place.ts";
import { test } from "../harness.ts";

/** Replaces globals, and puts them back at disposal. */
function replaceGlobals(getters: Readonly<Record<string, () => unknown>>): Disposable {
  const before = Object.keys(getters).map((name) =>
    [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const
  );
  for (const [name, get] of Object.entries(getters)) {
    Object.defineProperty(globalThis, name, { get, configurable: true });
  }
  return {
    [Symbol.dispose]() {
      for (const [name, descriptor] of before) {
        if (descriptor) Object.defineProperty(globalThis, name, descriptor);
        else Reflect.deleteProperty(globalThis, name);
      }
    },
  };
}

const config: PageConfig = {
  adapter: "memory",
  canKill: false,
  ownBroker: false,
  slots: [1, 2].map((number) => ({ number, url: "", state: "running" })),
  windows: [{ name: "Ann", node: 2 }, { name: "Bob", node: 1 }],
};

test("demo: where the browser forbids to store anything, the page works all the same", () => {
  using _ = replaceGlobals({
    location: () => ({ search: "?node=9&name=%20" }),
    sessionStorage: () => {
      throw new DOMException("Access is denied for this document", "SecurityError");
    },
  });
  assertEquals(ownPlace("first", config), { name: "Ann", node: 2 });
  assertEquals(remembered("first", "node"), "2");
  remember("first", "rooms", "ops lobby");
  assertEquals(remembered("first", "rooms"), "ops lobby");
});

test("demo: a name is text that can be seen, and does not change the text around it", () => {
  const fit = [
    "Ann",
    "  Ann  ",
    "<b>",
    "__proto__",
    "Zoë",
    "דנה",
    "محمد",
    "李",
    "👩‍🚀",
    "می‌خواهم",
    "x".repeat(24),
  ];
  assertEquals(fit.filter((name) => !Name.safeParse(name).success), []);
  const unfit = [
    ...["", " \u00a0 ", "x".repeat(25), "\u200b", "\u200d\ufe0f", "\u00ad", "a\u0000", "a\nb", "a\u007f"],
    ...["\u202eAnn", "Ann\u2066", "\u200fAnn", "Ann\u061c", "a\u2028b", "\ud800"],
  ];
  assertEquals(unfit.filter((name) => Name.safeParse(name).success), []);
});

test("demo: without JavaScript the first thing on the page says what it needs", async () => {
  const page = await readFile(new URL("../../examples/demo/page/index.html", import.meta.url), "utf8");
  assertMatch(
    page,
    /<body>\s*<noscript><p class="noscript">The demo's page needs JavaScript\.<\/p><\/noscript>/,
  );
});
