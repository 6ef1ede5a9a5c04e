// A process that opens an adapter and a relay, closes both, and has nothing more to do.
import { createLibp2pAdapter, createRelayNode } from "../../../adapters/libp2p/mod.ts";

const listen = ["/ip4/127.0.0.1/tcp/0"];
const relay = await createRelayNode({ listen, allow: "anybody" });
const adapter = createLibp2pAdapter({ prefix: "brief", allow: "anybody", listen });
await adapter.open({
  nodeId: crypto.randomUUID(),
  deliver() {},
  onError: (error) => console.log(error.message),
  onStatus() {},
  onGap() {},
});
await adapter.close();
await adapter.close();
await relay.close();
console.log("closed");
