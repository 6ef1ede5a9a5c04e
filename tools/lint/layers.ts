/**
 * Lint plugin with the rules of this house: who may import whom, and who may know which runtime it runs on.
 *
 * @module
 */

// The types of lint plugins are among the unstable ones.
/// <reference lib="deno.unstable" />

import { relative, resolve } from "node:path";
import { brokenImportRule, isPublished, isRuntimeSkin } from "./import_rules.ts";

const ROOT = resolve(import.meta.dirname!, "../..");

/** The linted file's path from the root of the repository. */
function pathOf(context: Deno.lint.RuleContext): string {
  return relative(ROOT, resolve(ROOT, context.filename));
}

/** `layers`: every import keeps to the rule of its layer. */
const layers: Deno.lint.Rule = {
  create(context) {
    const from = pathOf(context);
    const judge = (source: Deno.lint.Node | null, typeOnly: boolean) => {
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      const rule = brokenImportRule(from, source.value, typeOnly);
      if (rule) {
        context.report({ node: source, message: `"${source.value}" may not be imported here: ${rule}` });
      }
    };
    return {
      ImportDeclaration: (node) => judge(node.source, node.importKind === "type"),
      ExportNamedDeclaration: (node) => judge(node.source, node.exportKind === "type"),
      ExportAllDeclaration: (node) => judge(node.source, node.exportKind === "type"),
      ImportExpression: (node) => judge(node.source, false),
      TSImportType: (node) => judge(literalOf(node.argument), true),
    };
  },
};

/** The quoted module of `import("…")` in a type, which the parser wraps in a literal type. */
function literalOf(argument: Deno.lint.Node): Deno.lint.Node {
  return argument.type === "TSLiteralType" ? argument.literal : argument;
}

/** `facade`: the package's `mod.ts` re-exports and does nothing else. */
const facade: Deno.lint.Rule = {
  create(context) {
    if (pathOf(context) !== "mod.ts") return {};
    return {
      Program(program) {
        for (const node of program.body) {
          const reexports = node.type === "ExportAllDeclaration" ||
            (node.type === "ExportNamedDeclaration" && node.source !== null);
          if (!reexports) {
            context.report({ node, message: "The façade only re-exports: move this to its feature" });
          }
        }
      },
    };
  },
};

/** `runtime-globals`: only the skins name a runtime's global. A name is enough, in whatever place. */
const runtimeGlobals: Deno.lint.Rule = {
  create(context) {
    const file = pathOf(context);
    if (!isPublished(file) || isRuntimeSkin(file)) return {};
    const report = (node: Deno.lint.Node) =>
      context.report({
        node,
        message: "Published code may not depend on a runtime's globals",
        hint: "Only transports/websocket/deno.ts and bun.ts may",
      });
    return {
      "Identifier[name=/^(Deno|Bun)$/]": report,
      "Literal[value=/^(Deno|Bun)$/]": report,
    };
  },
};

const plugin: Deno.lint.Plugin = {
  name: "trunkline",
  rules: { layers, facade, "runtime-globals": runtimeGlobals },
};

export default plugin;
