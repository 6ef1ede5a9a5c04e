import { assert, assertEquals, assertMatch } from "@std/assert";
import { Assigner } from "../../examples/demo/assign.ts";
import { Name, type Slot } from "../../examples/demo/contract.ts";
import { readExcerpts } from "../../examples/demo/excerpts.ts";
import { highlight } from "../../examples/demo/highlight.ts";
import { test } from "../harness.ts";

const slots = (...states: Slot["state"][]): Slot[] =>
  states.map((state, index) => ({ number: index + 1, url: "", state }));

test("demo: the windows of a page are on two nodes, those of the next page begin with another one", () => {
  const assigner = new Assigner();
  const nodes = (running: Slot[]) => assigner.next(running).map(({ node }) => node);
  const three = slots("running", "running", "running");
  assertEquals([nodes(three), nodes(three), nodes(three), nodes(three)], [[1, 2], [2, 3], [3, 1], [1, 2]]);
  for (let page = 0; page < 4; page++) assert(!nodes(slots("running", "stopped", "running")).includes(2));
  assertEquals(nodes(slots("running")), [1, 1]);
  assertEquals(
    nodes(slots("stopped", "stopped")).length,
    2,
    "while none runs the page is served all the same",
  );
});

test("demo: made-up names are names, and do not come twice", () => {
  for (const random of [() => 0, () => 0.999, Math.random]) {
    const assigner = new Assigner(random);
    const names = Array.from({ length: 200 }, () => assigner.next(slots("running"))).flat().map(({ name }) =>
      name
    );
    assertEquals(new Set(names).size, 400);
    for (const name of names) assertMatch(Name.parse(name), /^[A-Z][a-z]+ [A-Z][a-z]+$/);
  }
});

test("demo: the code behind each panel is whole, and twenty lines long at the most", async () => {
  const excerpts = await readExcerpts();
  assertEquals(excerpts.length, 5);
  for (const { file, about, code } of excerpts) {
    const lines = code.split("\n").length;
    assert(lines > 10 && lines <= 20, `${file} has ${lines} lines`);
    assertMatch(code, /^\/\*\* .* \*\/\nexport /, file);
    assertMatch(code, /[};)]$/, file);
    assertMatch(about, /^[A-Z].*\.$/, file);
  }
});

test("demo: code is shown unchanged, whatever it contains", () => {
  assertEquals(
    highlight('const a = "<b>" && this.x < 1; // <i>\n`${a}`'),
    '<span class="word">const</span> a = <span class="string">"&lt;b>"</span> &amp;&amp; ' +
      '<span class="word">this</span>.x &lt; 1; <span class="comment">// &lt;i></span>\n<span class="string">`${a}`</span>',
  );
});
