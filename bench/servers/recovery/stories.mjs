/**
 * The common part of all servers whose recovery is measured: they publish by requests. The same on every runtime.
 *
 * @module
 */

/** To how many stories a server publishes at once. */
const AT_ONCE = 100;

/** Waits about as long as a database look-up takes: for authentication. */
export const lookUp = () => new Promise((resolve) => setTimeout(resolve, 1));

/**
 * Executes a request to `/publish`.
 *
 * @param {Record<string, string>} query The number to publish, the number of stories, and the step between them.
 * @param {(story: number, text: string) => unknown} publish Publishes to one story.
 */
export async function publishStories({ number, count, step }, publish) {
  const text = number.padStart(8, "0");
  for (let first = 0; first < Number(count); first += AT_ONCE * Number(step)) {
    const some = [];
    for (let story = first; story < Number(count) && some.length < AT_ONCE; story += Number(step)) {
      some.push(publish(story, text));
    }
    await Promise.all(some);
  }
  return {};
}
