import { z } from "zod";
import { ensure, SolvusError } from "./errors.ts";
import { type InstrumentFigures, instrumentFigures } from "./instrumentFigures.ts";
import { checkInputs } from "./marketInputs.ts";
import { buildSnapshot, type MarketSnapshot } from "./snapshot.ts";

/*
 * The snapshot file: market inputs, and what follows from them for people and programs to read. Everything but the inputs is recomputed
 * when a file is read, so an altered file is refused.
 */

export const SNAPSHOT_FORMAT = "solvus-snapshot";
const VERSION = 1;

/** Content of a snapshot file. Integers beyond 2^53 and Q16 ratios are decimal strings; the root is a 32-byte hexadecimal word. */
export interface SnapshotFile {
  format: typeof SNAPSHOT_FORMAT;
  version: typeof VERSION;
  epoch: number;
  root: string;
  parameters: { imFactor: string; priceBand: string; debtLimit: string };
  /** Mark, delta, vega for one unit of the underlying; losses and add-ons for one lot. */
  instruments: InstrumentFigures[];
  inputs: unknown;
}

const fileSchema = z.strictObject({
  format: z.literal(SNAPSHOT_FORMAT),
  version: z.literal(VERSION),
  epoch: z.int(),
  root: z.string().regex(/^0x[0-9a-f]{64}$/, "a 32-byte word in hexadecimal"),
  parameters: z.strictObject({ imFactor: z.string(), priceBand: z.string(), debtLimit: z.string() }),
  instruments: z.array(z.unknown()),
  inputs: z.unknown(),
});

/** A field element as a 32-byte hexadecimal word. */
export function rootHex(root: bigint): string {
  return `0x${root.toString(16).padStart(64, "0")}`;
}

/** The file of a snapshot. */
export function snapshotFile(snapshot: MarketSnapshot): SnapshotFile {
  return {
    format: SNAPSHOT_FORMAT,
    version: VERSION,
    epoch: Number(snapshot.epoch),
    root: rootHex(snapshot.root),
    parameters: {
      imFactor: String(snapshot.imFactor),
      priceBand: String(snapshot.priceBand),
      debtLimit: String(snapshot.debtLimit),
    },
    instruments: instrumentFigures(snapshot),
    inputs: snapshot.inputs,
  };
}

/** Text of a snapshot file. */
export function formatSnapshotFile(snapshot: MarketSnapshot): string {
  return `${JSON.stringify(snapshotFile(snapshot), null, 1)}\n`;
}

/**
 * Reads the text of a snapshot file and recomputes the snapshot. Refuses (`snapshotFile.*`) text that is not such a file and one in which
 * root, epoch, parameters or instruments are not what its inputs give.
 */
export function parseSnapshotFile(text: string): MarketSnapshot {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SolvusError(
      "snapshotFile.json",
      "snapshot file is not JSON, expected the output of `snapshot build`",
    );
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue?.path.map(String).join(".") || "value";
    throw new SolvusError("snapshotFile.format", `snapshot file: ${path}: ${issue?.message}`);
  }
  const snapshot = buildSnapshot(checkInputs(parsed.data.inputs));
  const expected = snapshotFile(snapshot);
  for (const field of ["root", "epoch", "parameters", "instruments"] as const) {
    const found = JSON.stringify(parsed.data[field]);
    const recomputed = JSON.stringify(expected[field]);
    ensure(
      found === recomputed,
      `snapshotFile.${field}`,
      `snapshot file: ${field} is ${found.slice(0, 80)}, expected ${recomputed.slice(0, 80)} as its inputs give`,
    );
  }
  return snapshot;
}

/**
 * Recomputes a snapshot from the inputs of a chain event and compares it with the posted root; refuses (`snapshot.root`) a difference.
 */
export function verifySnapshotRoot(snapshot: MarketSnapshot, root: bigint): void {
  ensure(
    snapshot.root === root,
    "snapshot.root",
    `snapshot root is ${rootHex(root)}, expected ${rootHex(snapshot.root)} as the inputs give`,
  );
}
