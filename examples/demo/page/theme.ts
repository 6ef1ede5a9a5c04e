/**
 * Dark, light, or as the system says.
 *
 * @module
 */

import { byId, setText } from "./dom.ts";

const KEY = "trunkline-demo.theme";
const THEMES = [
  { name: "system", sign: "◐", label: "Theme: as the system" },
  { name: "dark", sign: "●", label: "Theme: dark" },
  { name: "light", sign: "○", label: "Theme: light" },
] as const;

/** Sets up the button. */
export function setUpTheme(): void {
  const button = byId("theme");
  let index = Math.max(0, THEMES.findIndex(({ name }) => name === localStorage.getItem(KEY)));
  const show = () => {
    const { name, sign, label } = THEMES[index]!;
    document.documentElement.dataset.theme = name;
    setText(button, sign);
    button.setAttribute("aria-label", label);
    button.title = label;
  };
  button.addEventListener("click", () => {
    index = (index + 1) % THEMES.length;
    localStorage.setItem(KEY, THEMES[index]!.name);
    show();
  });
  show();
}
