import { NOBODY } from "../../contracts/signing.ts";
import type { Transition } from "../../contracts/statements.ts";
import { anyProof, randomElement } from "../support/ledgerFixture.ts";

/** A transition of an arbitrary note that no ledger knows, with an arbitrary proof. */
export function someTransition(signals: Partial<Transition["signals"]> = {}): Transition {
  return {
    tier: 0n,
    proof: anyProof(),
    signals: {
      stateRoot: 1n,
      snapshotRoot: 2n,
      registryRoot: 0n,
      nullifier: randomElement(),
      commitment: randomElement(),
      mode: 0n,
      asset: 0n,
      deposit: 0n,
      withdrawal: 0n,
      fee: 0n,
      tradeTag: 0n,
      side: 0n,
      escrow: [3n, 4n],
      ...signals,
    },
    terms: { payer: NOBODY, recipient: NOBODY, relayer: NOBODY, deadline: 2n ** 64n - 1n },
    payerSignature: "0x",
  };
}
