/**
 * The common parts of all plots: they are SVG, and readable on light and on dark pages.
 *
 * @module
 */

/** Escapes text for SVG, also for its attributes. */
export const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** A figure with a unit's prefix: `1.23 M`, `45.6 k`, `7.89`. */
export function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e3 ? `${(value / 1e3).toFixed(1)} k` : String(Number(value.toPrecision(3)));
}

/** A ratio with at least two digits: `0.56`, `1.8`, `26`, `119`. */
export const ratio = (value: number): string => value >= 100 ? value.toFixed(0) : value.toPrecision(2);

/** A drawing. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  /** A description, for screen readers. */
  readonly label: string;
  /** Its elements. */
  readonly content: string;
}

/** Puts a frame around a drawing's elements. */
export const svg = ({ width, height, label, content }: Drawing): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" ` +
  `aria-label="${escape(label)}" font-family="system-ui, sans-serif" font-size="13">` +
  `<style>text{fill:#24292f}.grid{stroke:#d0d7de}@media(prefers-color-scheme:dark){text{fill:#e6edf3}` +
  `.grid{stroke:#3d444d}}</style>${content}</svg>\n`;
