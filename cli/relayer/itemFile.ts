import { halfSchema, provenOf } from "../../services/account/half.ts";
import { parseJson, readText } from "../../services/files.ts";
import { type Item, itemOf, itemSchema } from "../../services/relayer/items.ts";

/** The item of a file: one in a relayer's form, or a proven half of a trade. Misuse (`file.*`) for anything else. */
export function readItem(file: string): Item {
  const text = readText(file, "FILE");
  if (isHalf(text)) return { kind: "transition", transition: provenOf(parseJson(text, "FILE", halfSchema)) };
  return itemOf(parseJson(text, "FILE", itemSchema));
}

function isHalf(text: string): boolean {
  try {
    return "format" in JSON.parse(text);
  } catch {
    return false;
  }
}
