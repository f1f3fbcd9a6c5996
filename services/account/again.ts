import { SolvusError } from "../../protocol/errors.ts";
import { contractRefusal } from "../chain/revert.ts";

/** Rules by which a proof is refused only because an epoch began between proving and submitting. */
const EPOCH_PASSED = [
  "ledger.EpochNotLatest",
  "ledger.PreviousSnapshotRefused",
  "ledger.SnapshotNotLatest",
  "ledger.SnapshotsDiffer",
];

const TRIES = 3;

/** Whether a failure, of a contract or of a relayer that asked it, is for an epoch that has passed. */
export function isEpochPassed(error: unknown): boolean {
  const rule = error instanceof SolvusError ? error.rule : contractRefusal(error)?.rule;
  return rule !== undefined && EPOCH_PASSED.includes(rule);
}

/**
 * Proves and submits, and does both again, three times in all, when the epoch passed meanwhile: nothing has happened then. `onAgain` is told
 * before each further time.
 */
export async function throughEpochs<T>(work: () => Promise<T>, onAgain: () => void): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === TRIES || !isEpochPassed(error)) throw error;
      onAgain();
    }
  }
}
