import type { prepareOpen } from "../protocol/openAccount.ts";
import type { CircuitInput } from "../protocol/openedRowsInput.ts";
import type { InsertionInput } from "../protocol/stateTree.ts";
import type { Statement } from "./prover.ts";

/** The statement of an opening. */
export function openStatement({ input, signals }: ReturnType<typeof prepareOpen>): Statement {
  return { circuit: "open", input: { ...input }, publicSignals: signals };
}

/** The statement of an insertion, from `StateTree.insertionInput`. */
export function insertionStatement(insertion: InsertionInput): Statement {
  const { oldRoot, newRoot, nodeIndex, point, value } = insertion;
  const input: CircuitInput = { ...insertion };
  return { circuit: "insertion", input, publicSignals: [oldRoot, newRoot, nodeIndex, point, value] };
}
