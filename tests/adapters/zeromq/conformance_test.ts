import { adapterConformance, type AdapterSetup } from "../../../conformance/mod.ts";
import { runtime, test } from "../../harness.ts";
import { MeshScene } from "./scene.ts";

let mesh = new MeshScene();

const SETUPS: Readonly<Record<string, AdapterSetup>> = {
  "zeromq, a mesh": {
    create: ({ prefix }) => mesh.create({ prefix }),
    waitMs: 20_000,
  },
};

for (const [what, setup] of Object.entries(SETUPS)) {
  for (const { name, skip, run } of adapterConformance(setup)) {
    const reason = runtime === "bun" ? "the library does not run on Bun" : skip;
    const body = async () => {
      mesh = new MeshScene();
      await run();
    };
    if (reason) test.skip(`${what}: ${name}`, reason);
    else test(`${what}: ${name}`, body, { timeoutMs: 120_000 });
  }
}
