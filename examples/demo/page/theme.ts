/**
 * The theme: dark, light, or that of the system.
 *
 * @module
 */

import { byId, setText } from "./dom.ts";
import { keptInBrowser } from "./kept.ts";

const KEY = "trunkline-demo.theme";
const THEMES = [
  { name: "system", sign: "◐", label: "Theme: system" },
  { name: "dark", sign: "●", label: "Theme: dark" },
  { name: "light", sign: "○", label: "Theme: light" },
] as const;

const chosen = () => Math.max(0, THEMES.findIndex(({ name }) => name === keptInBrowser.get(KEY)));

/** Shows the chosen theme, also when another window changes it. */
export function followTheme(): void {
  const show = () => document.documentElement.dataset.theme = THEMES[chosen()]!.name;
  addEventListener("storage", ({ key }) => key === KEY && show());
  show();
}

/** Sets up the button. */
export function setUpTheme(): void {
  const button = byId("theme");
  const show = () => {
    const { sign, label } = THEMES[chosen()]!;
    setText(button, sign);
    button.setAttribute("aria-label", label);
    button.title = label;
  };
  button.addEventListener("click", () => {
    keptInBrowser.set(KEY, THEMES[(chosen() + 1) % THEMES.length]!.name);
    document.documentElement.dataset.theme = THEMES[chosen()]!.name;
    show();
  });
  addEventListener("storage", ({ key }) => key === KEY && show());
  show();
}
