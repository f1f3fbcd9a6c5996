import { vi } from "vitest";
import * as module from "../../prover/prover.ts";

/**
 * Lets every prover that the program makes be this one, which outlives the commands that close theirs, until the function that is returned is
 * called. Other than a mock of the module, it leaves the modules that files share alone.
 */
export function lendProver(prover: module.Prover): () => void {
  const spy = vi.spyOn(module, "createProver").mockReturnValue({ ...prover, close: async () => {} });
  return () => spy.mockRestore();
}
