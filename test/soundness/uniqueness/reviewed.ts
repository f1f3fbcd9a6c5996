/** What was reviewed of a template. Signals are named without `main.`, indices as `[*]`, anonymous components without their numbers. */
export interface Review {
  /** Inputs that have to follow from the other inputs: results that are compared, and hints with one valid value. */
  withheld: string[];
  /** Signals that the analysis does not prove, each with why that is no harm. */
  unproven: Record<string, string>;
}

const INVERSE_OF_ZERO =
  "IsZero's inverse is free where its input is 0, and is multiplied by that 0 alone; the answer, all that others use, is proven.";

/** By template of circuits/instances.json. An entry that names nothing, or a signal that is proven, fails the test. */
export const REVIEWED: Record<string, Review> = {
  Open: {
    withheld: ["commitment", "accountTag", "escrow[*]"],
    unproven: {
      "AccountNumber.IsEqual.isz.inv": INVERSE_OF_ZERO,
      "RequireMember.IsZero.inv": INVERSE_OF_ZERO,
    },
  },
  Transition: {
    withheld: ["stateRoot", "snapshotRoot", "nullifier", "commitment", "tradeTag", "escrow[*]", "scan[*]"],
    unproven: {
      "change.same[*].isz.inv": INVERSE_OF_ZERO,
      "flow.isCash.inv": INVERSE_OF_ZERO,
      "flow.match[*].isz.inv": INVERSE_OF_ZERO,
      "flow.noDeposit.inv": INVERSE_OF_ZERO,
      "flow.noWithdrawal.inv": INVERSE_OF_ZERO,
      "member.IsZero.inv": INVERSE_OF_ZERO,
      "newZero[*].inv": INVERSE_OF_ZERO,
      "noFee.inv": INVERSE_OF_ZERO,
      "oldZero[*].inv": INVERSE_OF_ZERO,
      "trade.isZero[*].inv": INVERSE_OF_ZERO,
      "trade.match[*][*].isz.inv": INVERSE_OF_ZERO,
    },
  },
  Solvency: {
    withheld: ["stateRoot", "snapshotRoot", "nullifier", "scan[*]"],
    unproven: { "held.zero[*].inv": INVERSE_OF_ZERO },
  },
  Insolvency: {
    withheld: ["stateRoot", "snapshotRoot", "nullifier", "disclosureValue"],
    unproven: { "held.zero[*].inv": INVERSE_OF_ZERO },
  },
  Liquidation: {
    withheld: [
      ...["stateRoot", "snapshotRoot", "targetNullifier", "targetCommitment", "keeperNullifier"],
      ...["keeperCommitment", "targetEscrow[*]", "keeperEscrow[*]", "deficit", "reward", "cured"],
      ...["taken[*]", "payment", "scan[*]", "scanAfter[*]", "keeperScan[*]"],
    ],
    unproven: {
      "held.zero[*].inv": INVERSE_OF_ZERO,
      "member.IsZero.inv": INVERSE_OF_ZERO,
      "remainingZero[*].inv": INVERSE_OF_ZERO,
      "takenZero[*].inv": INVERSE_OF_ZERO,
    },
  },
  Insertion: { withheld: ["oldRoot", "newRoot", "value"], unproven: {} },
};
