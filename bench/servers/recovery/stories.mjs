/**
 * What all servers do of which recovery is measured: they publish what they are told by requests. On every runtime alike.
 *
 * @module
 */

/** How many stories are published to at once. */
const AT_ONCE = 100;

/** Waits as long as a look into a database takes, about: what asks who a client is. */
export const lookUp = () => new Promise((resolve) => setTimeout(resolve, 1));

/**
 * Does what a request to `/publish` tells.
 *
 * @param {Record<string, string>} query Which number to publish, to how many stories, and to which of them.
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
