// Sends the answer of a language model, word by word, to every tab of a user. Run: deno run -A examples/recipes/ai_stream.ts
import { createClient, createHub, defineContract } from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";

const Part = z.union([z.object({ text: z.string() }), z.object({ done: z.literal(true) })]);

export const assistant = defineContract({
  shared: {
    topics: { "answer/:id": { payload: Part, history: { size: 4_000, ttlMs: 3_600_000 } } },
  },
  roles: {
    member: {
      clientToServer: {
        ask: { input: z.object({ question: z.string() }), output: z.object({ id: z.string() }) },
      },
    },
  },
});

/** Takes the place of the stream of a model. */
async function* callModel(question: string) {
  for (const word of `You asked: ${question}`.split(" ")) {
    await Promise.resolve();
    yield word;
  }
}

const owners = new Map<string, string>(); // in your application: a table

const loopback = createLoopbackTransport(); // in your application: WebSockets, which are the default
await using hub = createHub(assistant, {
  authenticate: ({ role, token }) => ({ role, user: { id: token! } }),
  authorize: { "answer/:id": ({ params, conn }) => owners.get(params.id) === conn.user.id },
  transports: [loopback],
});

async function answer(id: string, question: string) {
  const topic = `answer/${id}` as const;
  for await (const word of callModel(question)) await hub.publish(topic, { text: word });
  await hub.publish(topic, { done: true });
}

hub.implement({
  member: {
    ask: ({ question }, { conn }) => {
      const id = crypto.randomUUID();
      owners.set(id, conn.user.id);
      answer(id, question).catch((error) => console.error("The answer failed", error)); // not awaited
      return { id };
    },
  },
});

const client = createClient(assistant, {
  url: "ws://loopback",
  role: "member",
  token: "ann",
  transport: loopback.client(),
});
const { id } = await client.request("ask", { question: "who are you?" });

// Another tab does the same, or this one after a reload. It begins with the first word, at any point of the answer.
const words: string[] = [];
await new Promise<void>((resolve) => {
  client.subscribe(`answer/${id}`, (part) => {
    if ("done" in part) resolve();
    else words.push(part.text);
  }, { rewind: { last: 4_000 } });
});
console.log(words.join(" "));
await client.close();
