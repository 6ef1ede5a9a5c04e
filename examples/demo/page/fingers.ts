/**
 * Decides whether the page needs large controls for fingers: on a narrow screen, or on a touch screen. The second window is always
 * narrow, so the page around it decides.
 *
 * @module
 */

/** Tells the style sheet, now and after each change. */
export function followFingers(): void {
  const fingers = parent.matchMedia("(max-width: 620px), (pointer: coarse)");
  const show = () => document.body.dataset.fingers = String(fingers.matches);
  fingers.addEventListener("change", show);
  show();
}
