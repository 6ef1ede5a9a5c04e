/**
 * Whether the page is for fingers, on a narrow screen or one to touch. The second window is as narrow as that everywhere, so
 * the page around it is asked.
 *
 * @module
 */

/** Says so to the style sheet, now and whenever it changes. */
export function followFingers(): void {
  const fingers = parent.matchMedia("(max-width: 620px), (pointer: coarse)");
  const show = () => document.body.dataset.fingers = String(fingers.matches);
  fingers.addEventListener("change", show);
  show();
}
