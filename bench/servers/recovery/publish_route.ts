/**
 * Publishing by HTTP request, on Deno and Bun.
 *
 * @module
 */

import { publishStories } from "./stories.mjs";

/**
 * Answers a request to publish.
 *
 * @param request Any request.
 * @param publish Publishes to one story.
 * @returns The answer; `undefined` for any other request.
 */
export async function answerPublish(
  request: Request,
  publish: (story: number, text: string) => unknown,
): Promise<Response | undefined> {
  const { pathname, searchParams } = new URL(request.url);
  if (pathname !== "/publish") return undefined;
  try {
    return Response.json(await publishStories(Object.fromEntries(searchParams), publish));
  } catch (error) {
    return new Response(`${error}`, { status: 503 });
  }
}
