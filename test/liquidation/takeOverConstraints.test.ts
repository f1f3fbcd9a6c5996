import { beforeAll, expect, test } from "vitest";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { computeTakeOver } from "../../protocol/liquidation.ts";
import type { Circuit } from "../support/circuit.ts";
import { KEEPER_LEAF_INDEX, keeperNote, request, takeOverInputs } from "../support/liquidationCircuit.ts";
import {
  noteWith,
  OPTION,
  PERPETUAL,
  SECOND_PERPETUAL,
  SPOT,
  smallMarket,
} from "../support/syntheticMarket.ts";
import { instance, LEAF_INDEX } from "../support/transitionCircuit.ts";

/*
 * What the constraints say, whatever a witness program computes: of a valid witness one wire is altered, and a constraint of the named
 * component breaks. A value that is computed and not constrained would break none.
 */

const USD = 1_000_000n;
const snapshot = smallMarket();

/** E < 0, so that the fund pays both parts. */
const bankrupt = computeTakeOver(
  {
    note: noteWith(-90_000n * USD, [
      { id: PERPETUAL, size: 1_000n, fundingIndex: 500_000n },
      { id: OPTION, size: -333n, fundingIndex: 0n },
      { id: SPOT, size: 1n, fundingIndex: 0n },
      { id: SECOND_PERPETUAL, size: -77n, fundingIndex: 0n },
    ]),
    leafIndex: LEAF_INDEX,
  },
  { note: keeperNote(300_000n * USD), leafIndex: KEEPER_LEAF_INDEX },
  snapshot,
  request(30_001n, 3_000n, { fee: 5n }),
);

let circuit: Circuit;
let witness: bigint[];
beforeAll(async () => {
  circuit = await instance("liquidation.small");
  witness = await circuit.witness(takeOverInputs(bankrupt, snapshot).input);
  expect(circuit.violations(witness)).toEqual([]);
});

type Alteration = (value: bigint) => bigint;
const more: Alteration = (value) => (value + 1n) % FIELD_ORDER;
const flipped: Alteration = (value) => (1n - value + FIELD_ORDER) % FIELD_ORDER;
const two: Alteration = () => 2n;

/** What is altered, how, and the component whose constraint must break. */
const alterations: [string, Alteration, string][] = [
  // Rows and groups.
  ["main.mark[0]", more, "OpenedRows > RiskRowOpening"],
  ["main.words[1][2]", more, "OpenedRows > RiskRowOpening"],
  ["main.imFactor", more, "OpenedRows > SnapshotRoot"],
  ["main.debtLimit", more, "OpenedRows > SnapshotRoot"],
  ["main.underlyingPlace[1]", more, "OpenedRows > Underlyings"],
  // The notes as they were.
  ["main.size[0]", more, "HeldLegs > SignedRange > Num2Bits at main.held.sizeRange[0]"],
  ["main.oldFundingIndex[0]", more, "HeldLegs > SignedRange > Num2Bits at main.held.oldIndexRange[0]"],
  ["main.cash", more, "NoteCommitment > Hash > HashMany > PoseidonEx > Sigma at main.targetNote"],
  ["main.entity", more, "NoteCommitment > Hash > HashMany > PoseidonEx > Sigma at main.targetNote"],
  ["main.keeperCash", more, "NoteCommitment > Hash > HashMany > PoseidonEx > Sigma at main.keeperNote"],
  ["main.stateRoot", more, "at main.targetState"],
  ["main.stateRoot", more, "at main.keeperState"],
  ["main.targetLeafIndex", more, "StateMembership at main.targetState"],
  ["main.keeperLeafIndex", more, "StateMembership at main.keeperState"],
  ["main.targetNullifier", more, "Spend > HashMany > PoseidonEx > Ark at main.targetSpend"],
  ["main.keeperNullifier", more, "Spend > HashMany > PoseidonEx > Ark at main.keeperSpend"],
  ["main.spendSecret", more, "Hash > HashMany > PoseidonEx > Sigma at main.keeperKey"],
  ["main.registryRoot", more, "RequireMember"],
  // The slice.
  ["main.slice", more, "Range > Num2Bits at main.sliceRange"],
  ["main.slice", more, "Slice at main.cut[0]"],
  ["main.taken[0]", more, "main.cut[0].takenMagnitude"],
  ["main.taken[5]", more, "main.cut[5].takenMagnitude"],
  ["main.liveSize[0]", more, "main.cut[0].magnitude"],
  ["main.cut[1].product", more, "Slice > Range > Num2Bits at main.cut[1].remainder"],
  ["main.cut[1].takenMagnitude", more, "Slice > Range > Num2Bits at main.cut[1].takenRange"],
  ["main.cut[0].remainder.decomposition.out[3]", two, "Slice > Range > Num2Bits at main.cut[0].remainder"],
  // How much may be taken.
  ["main.rate", more, "SliceBounds > Range > Num2Bits at main.bounds.rateRange"],
  ["main.restoration", more, "SliceBounds > Range > Num2Bits at main.bounds.restorationRange"],
  ["main.bounds.large.nonNegative", flipped, "SliceBounds > SignedRange > Num2Bits at main.bounds.large"],
  ["main.bounds.large.nonNegative", two, "SliceBounds > SignedRange at main.bounds.large"],
  ["main.bounds.asked", more, "SliceBounds at main.bounds"],
  ["main.bounds.room.in", more, "SliceBounds > Range > Num2Bits at main.bounds.room"],
  ["main.bounds.quarterOfWhole.nonNegative", flipped, "SignedRange > Num2Bits at main.bounds.quarterOfWhole"],
  [
    "main.bounds.quarterOfAllowed.nonNegative",
    flipped,
    "SignedRange > Num2Bits at main.bounds.quarterOfAllowed",
  ],
  // What it costs whom.
  ["main.payments.solvent", flipped, "SignedRange > Num2Bits at main.payments.sign"],
  ["main.payments.positive", more, "TakeOverPayments at main.payments"],
  ["main.payments.dueIsMore.nonNegative", flipped, "SignedRange > Num2Bits at main.payments.dueIsMore"],
  ["main.payments.rateIsMore.nonNegative", flipped, "SignedRange > Num2Bits at main.payments.rateIsMore"],
  ["main.payments.rewarded.nonNegative", flipped, "SignedRange > Num2Bits at main.payments.rewarded"],
  ["main.payment", more, "TakeOverPayments > Range > Num2Bits at main.payments.paymentRange"],
  ["main.payment", more, "TakeOverPayments > Range > Num2Bits at main.payments.paymentRemainder"],
  ["main.deficit", more, "TakeOverPayments > Range > Num2Bits at main.payments.deficitRemainder"],
  ["main.reward", more, "TakeOverPayments > Range > Num2Bits at main.payments.rewardRemainder"],
  // Margins: scan risks are exact, of all three portfolios.
  ["main.scan[0]", more, "Margin > ScanRisk > Range > Num2Bits at main.margin[0]"],
  ["main.scanAfter[0]", more, "Margin > ScanRisk > Range > Num2Bits at main.margin[1]"],
  ["main.keeperScan[0]", more, "Margin > ScanRisk > Range > Num2Bits at main.margin[2]"],
  ["main.maintenance", more, "Range > Num2Bits at main.shortfall"],
  ["main.equity", more, "Range > Num2Bits at main.shortfall"],
  // The target afterwards.
  ["main.targetCash", more, "SignedRange > Num2Bits at main.targetCashRange"],
  ["main.targetCash", more, "NoteCommitment > Hash > HashMany > PoseidonEx > Sigma at main.targetAfter"],
  ["main.cured", flipped, "SignedRange > Num2Bits at main.cure"],
  ["main.ratioRange.in", more, "Range > Num2Bits at main.ratioRange"],
  ["main.targetCommitment", more, "at main.targetAfter"],
  // The keeper afterwards.
  ["main.fee", more, "Range > Num2Bits at main.feeRange"],
  ["main.keeperCashAfter", more, "SignedRange > Num2Bits at main.keeperCashRange"],
  ["main.keeperCashAfter", more, "NoteCommitment > Hash > HashMany > PoseidonEx > Sigma at main.keeperAfter"],
  ["main.keeperRequired", more, "Range > Num2Bits at main.keeperSurplus"],
  ["main.counted.owedOption[1]", flipped, "NetCashValue at main.counted"],
  ["main.counted.counted[1]", more, "NetCashValue at main.counted"],
  ["main.takenLive[0]", flipped, "main.takenZero[0].inv"],
  ["main.keeperCommitment", more, "at main.keeperAfter"],
  // What is published.
  ["main.rho", more, "TakeOverEscrow > HashMany > PoseidonEx > Sigma at main.escrow.targetPads"],
  ["main.keeperRho", more, "TakeOverEscrow > HashMany > PoseidonEx > Sigma at main.escrow.keeperPads"],
  ["main.keeperRho", more, "TakeOverEscrow > HashMany > PoseidonEx > Sigma at main.escrow.morePads"],
];

test.each(alterations)("%s altered (%#) breaks a constraint of its component", (signal, alter, component) => {
  const value = circuit.get(witness, signal);
  expect(circuit.brokenBy(witness, signal, alter(value)).join("\n")).toContain(component);
});

test("every published word is bound by a constraint of its own", () => {
  for (const [name, words] of [
    ["targetEscrow", 4],
    ["keeperEscrow", 6],
  ] as const) {
    for (let word = 0; word < words; word++) {
      const signal = `main.${name}[${word}]`;
      expect(circuit.brokenBy(witness, signal, circuit.get(witness, signal) + 1n), signal).not.toEqual([]);
    }
  }
});

test("no wire of slices, bounds and payments is free", () => {
  for (const signal of circuit.signals(/^main\.(cut\[\d\]|bounds|payments)\./)) {
    for (const alter of [more, flipped]) {
      const altered = alter(circuit.get(witness, signal));
      if (altered === circuit.get(witness, signal)) continue;
      expect(circuit.brokenBy(witness, signal, altered), signal).not.toEqual([]);
    }
  }
});
