/**
 * Code blocks that show a file of the repository: their first line names the file, and they contain its text.
 *
 * @module
 */

const BLOCK = /^```(\w+) (examples\/\S+)\n(.*?)^```$/gms;

/** A block that shows a file. */
export interface Sample {
  /** The file's path from the root of the repository. */
  readonly file: string;
  /** The content of the block. */
  readonly code: string;
}

/** Finds the blocks of a document that show files. */
export function samplesOf(text: string): Sample[] {
  return Array.from(text.matchAll(BLOCK), ([, , file, code]) => ({ file: file!, code: code! }));
}

/**
 * Fills the blocks with the texts of their files.
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

/** The shown part of a file: everything except the line that says how to run it, because the page says this itself. */
export function shown(text: string): string {
  return `${text.replace(/^\/\/ Run: .*\n/, "").trim()}\n`;
}
