import { ensure, SolvusError } from "../../protocol/errors.ts";
import { runSetup, SetupError } from "../setup/index.ts";
import type { ManifestCircuit } from "../setup/manifest.ts";
import { circuitFile, PLACES, type Places } from "../setup/paths.ts";

/** A circuit as it was just compiled, or found compiled, from the sources at hand. */
export interface CompiledCircuit extends Omit<ManifestCircuit, "verifyingKeyHash"> {
  r1cs: string;
}

/** Compiles what is not compiled yet. Throws `ceremony.circuits` when the circuits are not those of the committed manifest. */
export async function compiledCircuits(places: Places = PLACES, quiet = false): Promise<CompiledCircuit[]> {
  try {
    const { manifest } = await runSetup({ places, quiet, solidity: false });
    ensure(
      manifest !== undefined,
      "ceremony.circuits",
      "circuits: not compiled, expected all; run `npm run setup`",
    );
    return manifest.circuits.map(({ verifyingKeyHash: _, ...circuit }) => ({
      ...circuit,
      r1cs: circuitFile(places.build, circuit.name, "r1cs"),
    }));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    throw new SolvusError("ceremony.circuits", error.lines.slice(0, 1).join());
  }
}
