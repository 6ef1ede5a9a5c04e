/** The runtime that runs this process. */
export const runtime: "deno" | "bun" = "Bun" in globalThis ? "bun" : "deno";
