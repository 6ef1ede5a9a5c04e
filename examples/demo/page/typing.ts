/**
 * The line that names the people who are typing.
 *
 * @module
 */

import { byId, setText } from "./dom.ts";
import { namesOf } from "./presence_news.ts";

/**
 * Shows the people who are typing.
 *
 * @param names Their names, without the user of this window.
 */
export function showTyping(names: readonly string[]): void {
  const are = names.length === 1 ? "is" : "are";
  setText(byId("typing"), names.length === 0 ? "" : `${namesOf(names)} ${are} typing…`);
}
