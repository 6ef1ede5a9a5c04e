/**
 * The field for the name of this window's user.
 *
 * @module
 */

import { Name } from "../contract.ts";
import { byId } from "./dom.ts";

/**
 * Sets up the field.
 *
 * @param name The name to begin with.
 * @param onName Called with each new name.
 */
export function setUpName(name: string, onName: (name: string) => void): void {
  const field = byId<HTMLInputElement>("own-name");
  let current = name;
  // As wide as its text. In browsers with `field-sizing` the style does this.
  const fit = () => field.size = Math.max(4, field.value.length);
  field.value = name;
  fit();
  field.addEventListener("input", fit);
  field.addEventListener("change", () => {
    const next = Name.safeParse(field.value).data ?? current;
    field.value = next;
    fit();
    if (next === current) return;
    current = next;
    onName(next);
  });
  field.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") field.value = current;
    if (key === "Escape" || key === "Enter") field.blur();
  });
}
