/**
 * Blocks of code that show a file of the repository: their first line names it, and they hold its text.
 *
 * @module
 */

const BLOCK = /^```(\w+) (examples\/\S+)\n(.*?)^```$/gms;

/** A block that shows a file. */
export interface Sample {
  /** The file's path from the root of the repository. */
  readonly file: string;
  /** What the block holds. */
  readonly code: string;
}

/** Finds the blocks of a document that show files. */
export function samplesOf(text: string): Sample[] {
  return Array.from(text.matchAll(BLOCK), ([, , file, code]) => ({ file: file!, code: code! }));
}

/**
 * Puts the files into the blocks that show them.
 *
 * @param text A document.
 * @param read Reads a file of the repository.
 */
export function fillSamples(text: string, read: (file: string) => string): string {
  return text.replaceAll(
    BLOCK,
    (_, language, file) => `\`\`\`${language} ${file}\n${shown(read(file))}\`\`\``,
  );
}

/** What of a file is shown: all of it but a line that tells how to run it, which the page says itself. */
export function shown(text: string): string {
  return `${text.replace(/^\/\/ Run: .*\n/, "").trim()}\n`;
}
