import type { Contract } from "ethers";
import { type CircuitName, circuitIndex } from "../../contracts/statements.ts";
import { createProver, type Prover } from "../../prover/prover.ts";
import { judgingBackend } from "./judgingBackend.ts";
import { randomElement } from "./ledgerFixture.ts";

/**
 * A prover for a ledger with the `IdealVerifier`: it declares statements proven there in place of proving them. Those of the circuits in
 * `judged` must have a witness of the real circuit first.
 */
export function idealProver(verifier: Contract, judged: readonly CircuitName[] = []): Prover {
  const real = createProver({ backend: judgingBackend() });
  const prover: Prover = {
    async prove(statement) {
      const circuit = statement.circuit as CircuitName;
      if (judged.includes(circuit)) await real.witness(statement);
      const proof = Array.from({ length: 8 }, randomElement);
      const publicSignals = [...statement.publicSignals];
      await (await verifier.prove(circuitIndex(circuit), proof, publicSignals)).wait();
      return { circuit, proof, publicSignals };
    },
    witness: (statement) => real.witness(statement),
    async warm() {},
    close: () => real.close(),
  };
  return prover;
}
