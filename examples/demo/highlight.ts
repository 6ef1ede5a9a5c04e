/**
 * Colours code: comments, strings and keywords.
 *
 * @module
 */

const TOKENS =
  /(?<comment>\/\*\*[^]*?\*\/|\/\/.*)|(?<string>`[^`]*`|"[^"\n]*"|'[^'\n]*')|\b(?<word>async|await|class|const|export|for|function|if|implements|let|new|of|private|readonly|return|this|throw|type|void)\b|[&<]/g;

/**
 * Turns code into HTML.
 *
 * @param code TypeScript.
 */
export function highlight(code: string): string {
  return code.replaceAll(TOKENS, (match, ...rest) => {
    const groups: Record<string, string | undefined> = rest.at(-1);
    const kind = Object.keys(groups).find((name) => groups[name] !== undefined);
    return kind ? `<span class="${kind}">${escape(match)}</span>` : escape(match);
  });
}

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
