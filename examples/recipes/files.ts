// Sends a file in parts, with requests that the client may repeat. Run: deno run -A examples/recipes/files.ts
import { createClient, createHub, defineContract, HubError, jsonCodec } from "@trunkline/hub";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";

const PART_BYTES = 64 * 1024; // well below `limits.maxFrameBytes`, 256 KiB
const MAX_BYTES = 10 * 1024 * 1024;

export const drive = defineContract({
  roles: {
    member: {
      clientToServer: {
        put: {
          input: z.object({ file: z.string(), at: z.number().int().min(0), bytes: z.instanceof(Uint8Array) }),
          output: z.void(),
        },
        finish: { input: z.object({ file: z.string() }), output: z.object({ size: z.number() }) },
      },
    },
  },
});

const files = new Map<string, Uint8Array[]>(); // in your application: a disk, or an object store

const loopback = createLoopbackTransport(); // in your application: WebSockets, which are the default
await using hub = createHub(drive, {
  authenticate: ({ role }) => ({ role, user: { id: "ann" } }),
  codecs: [jsonCodec, msgpackCodec], // JSON would send bytes as base64: a third more
  transports: [loopback],
});
hub.implement({
  member: {
    put: ({ file, at, bytes }) => {
      const parts = files.get(file) ?? [];
      const size = parts.reduce((sum, part) => sum + part.length, 0);
      if (at !== size) throw new HubError("WRONG_PLACE", `The next byte is ${size}`, { data: { size } });
      if (size + bytes.length > MAX_BYTES) throw new HubError("FILE_TOO_LARGE", "A file has at most 10 MiB");
      files.set(file, [...parts, bytes]);
    },
    finish: ({ file }) => ({ size: files.get(file)?.reduce((sum, part) => sum + part.length, 0) ?? 0 }),
  },
});

const client = createClient(drive, {
  url: "ws://loopback",
  role: "member",
  codec: msgpackCodec,
  transport: loopback.client(),
});

const content = new Uint8Array(200_000).fill(7);
const file = crypto.randomUUID();
for (let at = 0; at < content.length; at += PART_BYTES) {
  const bytes = content.subarray(at, at + PART_BYTES);
  // With an id: if the connection breaks, the client sends the part again, and the server stores it once.
  await client.request("put", { file, at, bytes }, { id: `${file} ${at}` });
}
const { size } = await client.request("finish", { file });
console.log(`${size} bytes have arrived`);
await client.close();
