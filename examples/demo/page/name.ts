/**
 * Who the user is: asked once, remembered for this window, and suggested to the next one.
 *
 * @module
 */

import { Name } from "../contract.ts";
import { byId, setText } from "./dom.ts";

const KEY = "trunkline-demo.name";

/** The name of this window's user, if it is known. */
export function rememberedName(): string | undefined {
  const known = new URLSearchParams(location.search).get("name") ?? sessionStorage.getItem(KEY);
  return Name.safeParse(known).data;
}

/**
 * Sets up the dialog and its button, and opens it when nobody has said a name.
 *
 * @param onName Called with each name that is chosen.
 */
export function setUpName(onName: (name: string) => void): void {
  const dialog = byId<HTMLDialogElement>("name-dialog");
  const field = byId<HTMLInputElement>("name");
  const cancel = byId<HTMLButtonElement>("name-cancel");
  let current = rememberedName();

  const ask = () => {
    field.value = current ?? localStorage.getItem(KEY) ?? "";
    cancel.hidden = current === undefined;
    dialog.showModal();
    field.select();
  };
  const take = (name: string) => {
    current = name;
    sessionStorage.setItem(KEY, name);
    localStorage.setItem(KEY, name);
    setText(byId("own-name"), name);
    onName(name);
  };

  byId("name-form").addEventListener("submit", (event) => {
    const name = Name.safeParse(field.value).data;
    if (name === undefined) return event.preventDefault();
    if (name !== current) take(name);
  });
  cancel.addEventListener("click", () => dialog.close());
  // Without a name there is nothing to go back to.
  dialog.addEventListener("cancel", (event) => current === undefined && event.preventDefault());
  byId("rename").addEventListener("click", ask);
  if (current === undefined) ask();
  else take(current);
}
