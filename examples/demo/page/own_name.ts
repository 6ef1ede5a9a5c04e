/**
 * The name of this window's user: a field to write another one into.
 *
 * @module
 */

import { Name } from "../contract.ts";
import { byId } from "./dom.ts";

/**
 * Sets up the field.
 *
 * @param name The name to begin with.
 * @param onName Called with each other one.
 */
export function setUpName(name: string, onName: (name: string) => void): void {
  const field = byId<HTMLInputElement>("own-name");
  let current = name;
  // As wide as what stands in it; where `field-sizing` is known the style does it.
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
