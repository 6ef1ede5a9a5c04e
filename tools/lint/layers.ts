/**
 * Lint plugin with the rules of this project: which files may import which, and which may use the globals of a runtime.
 *
 * @module
 */

// The types of lint plugins are unstable.
/// <reference lib="deno.unstable" />

import { relative, resolve } from "node:path";
import { brokenImportRule, isPublished, isRuntimeSkin } from "./import_rules.ts";

const ROOT = resolve(import.meta.dirname!, "../..");

/** The linted file's path from the root of the repository. */
function pathOf(context: Deno.lint.RuleContext): string {
  return relative(ROOT, resolve(ROOT, context.filename));
}

/** `layers`: every import must follow the rule of its layer. */
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

/** `facade`: the package's `mod.ts` only re-exports. */
const facade: Deno.lint.Rule = {
  create(context) {
    if (pathOf(context) !== "mod.ts") return {};
    return {
      Program(program) {
        for (const node of program.body) {
          const reexports = node.type === "ExportAllDeclaration" ||
            (node.type === "ExportNamedDeclaration" && node.source !== null);
          if (!reexports) {
            context.report({
              node,
              message: "mod.ts may only re-export: move this to the file of its feature",
            });
          }
        }
      },
    };
  },
};

/** `runtime-globals`: only the files for a single runtime may use a runtime's global. Any use of the name counts. */
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
