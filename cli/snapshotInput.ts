import { reading } from "../protocol/errors.ts";
import type { MarketSnapshot } from "../protocol/snapshot.ts";
import { parseSnapshotFile } from "../protocol/snapshotFile.ts";

/** A snapshot from its file's text: malformed text is misuse, figures that do not follow from the inputs are refused. */
export function readSnapshot(text: string): MarketSnapshot {
  try {
    return parseSnapshotFile(text);
  } catch (error) {
    const rule = (error as { rule?: string }).rule ?? "";
    if (/^snapshotFile\.(root|epoch|parameters|instruments)$/.test(rule)) throw error;
    return reading(() => {
      throw error;
    });
  }
}
