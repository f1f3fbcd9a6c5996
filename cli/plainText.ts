/*
 * What a terminal is shown. Files, relayers and nodes of others name fields and reasons, and a terminal obeys control characters: they could
 * move the cursor, hide a line, or write one that the program did not.
 */

/** C0 but for the line's end, DEL, C1, other ends of lines, marks that turn the direction of writing, and invisible ones. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

const shown = (character: string): string =>
  `\\u${(character.codePointAt(0) as number).toString(16).padStart(4, "0")}`;

/** A text of several lines with control characters written out. */
export function plain(text: string): string {
  return text.replace(CONTROL, shown);
}

/** As {@link plain}, in one line. */
export function inLine(text: string): string {
  return plain(text).replaceAll("\n", "\\n");
}
