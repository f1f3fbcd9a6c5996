import { expect, test } from "vitest";
import { DOMAIN, FIELD_ORDER, Q16 } from "../../protocol/constants.ts";
import { openingWords, prepareInsolvency } from "../../protocol/insolvency.ts";
import type { Leg } from "../../protocol/leg.ts";
import { computeTakeOver, sliceBounds, type TakeOverRequest, WHOLE } from "../../protocol/liquidation.ts";
import { commitmentOf, entityOf, type Note } from "../../protocol/note.ts";
import type { CircuitInput, CircuitValue } from "../../protocol/openedRowsInput.ts";
import { poseidonMany, toField } from "../../protocol/poseidon.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import { wordsDigest } from "../../protocol/wordsDigest.ts";
import { systemOf } from "../soundness/planted/edited.ts";
import { unprovenSignals } from "../soundness/uniqueness/report.ts";
import { loadTemplate } from "../support/circuit.ts";
import { KEEPER_LEAF_INDEX, keeperNote, request, takeOverInputs } from "../support/liquidationCircuit.ts";
import { loadMutant } from "../support/mutant.ts";
import {
  noteWith,
  OPTION,
  PERPETUAL,
  SECRETS,
  SETTLED_OPTION,
  smallMarket,
} from "../support/syntheticMarket.ts";
import { LEAF_INDEX, treeWith } from "../support/transitionCircuit.ts";

/*
 * Each line that refuses something is taken out of its template in turn, or, where a sub-circuit's input must be given, given something
 * harmless; the attack it stops must then succeed, and fail with it. So no line is there for nothing, and no attack is stopped by another
 * line than the one that is meant to. The two statements are compiled for two legs of one underlying.
 */
interface Mutation {
  attack: string;
  file: string;
  template: string;
  parameters?: number[];
  line: string;
  becomes?: string;
  input: CircuitInput;
}

const USD = 1_000_000n;
const RICH = 1_000_000n * USD;
const lib = (name: string): string => `circuits/lib/${name}.circom`;

/** a / b in the field: where a check of an integer quotient is missing, this one passes. */
function fieldQuotient(dividend: bigint, divisor: bigint): bigint {
  let [inverse, base] = [1n, divisor];
  for (let exponent = FIELD_ORDER - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) inverse = (inverse * base) % FIELD_ORDER;
    base = (base * base) % FIELD_ORDER;
  }
  return toField(dividend * inverse);
}

// --- One template alone. ---------------------------------------------------------------------------------------------------------------

/** A third of a thousand lots, rounded up. */
const cut = { size: 1_000n, nonNegative: 1n, slice: 21_845n, taken: 334n };

/** MM = $10,000, E = $5,000: between 15.7% and 62.9% may be taken at a rate of 5%. */
const terms = { equity: 5_000n * USD, maintenance: 10_000n * USD, rate: 3276n, restoration: 6553n };
const range = sliceBounds(terms.equity, terms.maintenance, terms);

/** E = $200, so that both the target and the fund pay; and E = -$200. Half of the account. */
const owing = { equity: 200n * USD, maintenance: 10_000n * USD, slice: Q16 / 2n, rate: 3276n };
const bankrupt = { ...owing, equity: -200n * USD };
const paid = {
  ...owing,
  ...{ payment: 100n * USD, deficit: 0n, reward: (10_000n * USD * 3276n - 200n * USD * Q16) / (2n * Q16) },
};
const credited = {
  ...bankrupt,
  ...{ payment: 0n, deficit: 100n * USD, reward: (10_000n * USD * 3276n) / (2n * Q16) },
};

const held = { id: [5n], size: [-1_000n], oldFundingIndex: [0n], fundingIndex: [0n] };

/** A hundred lots at one add-on of either sign, without losses. */
const bound = {
  size: [100n],
  group: [[1n]],
  words: [[0n, 0n, 0n, 0n, 0n, 0n]],
  longAddOn: [7n],
  shortAddOn: [3n],
  concentrationThreshold: [50n],
  concentrationRate: [2n],
  claimsLong: [1n],
  claimsConcentrated: [1n],
  claimedScenario: [Array<bigint>(16).fill(0n)],
};

/** What two legs of both new notes are published as, under the pads of 3 and 4, 5 and 6. */
const published = {
  ...{ rho: 3n, targetCommitment: 4n, targetCash: 77n, remaining: [10n, 0n] },
  ...{
    keeperRho: 5n,
    keeperCommitment: 6n,
    keeperCash: -8n,
    id: [9n, 0n],
    taken: [11n, 0n],
    takenLive: [1n, 0n],
  },
};
/** Six sizes of 0. */
const NO_SIZES = [0, 1, 2, 3, 4, 5].reduce((word, place) => word + ((1n << 36n) << BigInt(37 * place)), 0n);
const targetPads = poseidonMany(DOMAIN.takeOverPad, [3n, 4n, 0n], 4);
const keeperPads = [
  ...poseidonMany(DOMAIN.takeOverPad, [5n, 6n, 0n], 4),
  ...poseidonMany(DOMAIN.takeOverPad, [5n, 6n, 1n], 2),
];
const padded = (pads: readonly bigint[], words: readonly bigint[]): bigint[] =>
  words.map((word, i) => toField(word + (pads[i] as bigint)));
const targetWords = padded(targetPads, [(1n << 60n) + 77n, NO_SIZES + 10n, NO_SIZES, NO_SIZES]);
const keeperWords = padded(keeperPads, [
  ...[(1n << 60n) - 8n, 9n, 0n],
  ...[NO_SIZES + 11n, NO_SIZES, NO_SIZES],
]);
const escrow = { ...published, targetWords, keeperWords };
const escrowMutation = (attack: string, line: string, input: CircuitInput): Mutation => ({
  ...{ attack, file: lib("takeOverEscrow"), template: "TakeOverEscrow", parameters: [2], line },
  input: { ...escrow, ...input },
});
const keeperWord = (place: number): CircuitInput => ({ keeperWords: keeperWords.with(place, 1n) });

const templateMutations: Mutation[] = [
  {
    attack: "a slice that takes nothing",
    ...{ file: lib("slice"), template: "Slice" },
    line: "remainder.in <== takenMagnitude * (1 << 16) - product;",
    becomes: "remainder.in <== 0;",
    input: { ...cut, taken: 0n },
  },
  {
    attack: "a slice that is a quotient in the field alone",
    ...{ file: lib("slice"), template: "Slice" },
    line: "takenRange.in <== takenMagnitude;",
    becomes: "takenRange.in <== 0;",
    input: { ...cut, taken: fieldQuotient(cut.slice * cut.size, 1n << 16n) },
  },
  {
    attack: "a rate beyond 1 + b, by which anything may be taken",
    ...{ file: lib("sliceBounds"), template: "SliceBounds", line: "rateRange.in <== rate;" },
    becomes: "rateRange.in <== 0;",
    input: { ...terms, slice: WHOLE, rate: 3n * Q16 },
  },
  {
    attack: "a restoration far beyond 1, by which almost anything may be taken",
    ...{ file: lib("sliceBounds"), template: "SliceBounds", line: "restorationRange.in <== restoration;" },
    becomes: "restorationRange.in <== 0;",
    input: { ...terms, equity: 10_000n * USD - 1n, slice: 60_000n, restoration: 20n * Q16 },
  },
  {
    attack: "a part of a small account",
    ...{ file: lib("sliceBounds"), template: "SliceBounds" },
    line: "(1 - large.nonNegative) * (slice - Q16()) === 0;",
    input: { ...terms, equity: 0n, maintenance: 1_999n * USD, slice: WHOLE / 2n },
  },
  {
    attack: "over-liquidation by one unit",
    ...{ file: lib("sliceBounds"), template: "SliceBounds" },
    line: "room.in <== large.nonNegative * (allowed - asked);",
    becomes: "room.in <== 0;",
    input: { ...terms, slice: range.most + 1n },
  },
  {
    attack: "a slice of dust",
    ...{ file: lib("sliceBounds"), template: "SliceBounds" },
    line: "(1 - quarterOfWhole.nonNegative) * (1 - quarterOfAllowed.nonNegative) === 0;",
    input: { ...terms, slice: range.least - 1n },
  },
  {
    attack: "a payment of all that the target has",
    ...{ file: lib("takeOverPayments"), template: "TakeOverPayments" },
    line: "paymentRemainder.in <== product - payment * (1 << 32);",
    becomes: "paymentRemainder.in <== 0;",
    input: { ...paid, payment: 200n * USD },
  },
  {
    attack: "a payment that is a quotient in the field alone",
    ...{ file: lib("takeOverPayments"), template: "TakeOverPayments" },
    line: "paymentRange.in <== payment;",
    becomes: "paymentRange.in <== 0;",
    input: { ...paid, payment: fieldQuotient(paid.payment * (1n << 32n) - 1n, 1n << 32n) },
  },
  {
    attack: "a deficit that the target does not have",
    ...{ file: lib("takeOverPayments"), template: "TakeOverPayments" },
    line: "deficitRemainder.in <== credit - deficit * Q16();",
    becomes: "deficitRemainder.in <== 0;",
    input: { ...credited, deficit: RICH },
  },
  {
    attack: "a deficit that is a quotient in the field alone",
    ...{ file: lib("takeOverPayments"), template: "TakeOverPayments" },
    line: "deficitRange.in <== deficit;",
    becomes: "deficitRange.in <== 0;",
    input: { ...credited, deficit: fieldQuotient(credited.deficit * Q16 - 1n, Q16) },
  },
  {
    attack: "a reward of one's own choice",
    ...{ file: lib("takeOverPayments"), template: "TakeOverPayments" },
    line: "rewardRemainder.in <== rewardProduct - reward * (1 << 32);",
    becomes: "rewardRemainder.in <== 0;",
    input: { ...paid, reward: RICH },
  },
  {
    attack: "a reward that is a quotient in the field alone",
    ...{ file: lib("takeOverPayments"), template: "TakeOverPayments" },
    line: "rewardRange.in <== reward;",
    becomes: "rewardRange.in <== 0;",
    input: { ...paid, reward: fieldQuotient(paid.reward * (1n << 32n) - 1n, 1n << 32n) },
  },
  {
    attack: "a leg beyond the bound of sizes",
    ...{ file: lib("heldLegs"), template: "HeldLegs", parameters: [1] },
    line: "sizeRange[i].in <== size[i];",
    becomes: "sizeRange[i].in <== 0;",
    input: { ...held, size: [1n << 36n] },
  },
  {
    attack: "a leg that packs like another, a lot less with an index of 2^42 more",
    ...{ file: lib("heldLegs"), template: "HeldLegs", parameters: [1] },
    line: "oldIndexRange[i].in <== oldFundingIndex[i];",
    becomes: "oldIndexRange[i].in <== 0;",
    input: { ...held, size: [-1_001n], oldFundingIndex: [1n << 42n] },
  },
  {
    attack: "a margin raised by a sign that is no bit",
    ...{ file: lib("marginLowerBound"), template: "MarginLowerBound", parameters: [1, 1] },
    line: "claimsLong[i] * (1 - claimsLong[i]) === 0;",
    input: { ...bound, claimsLong: [9n] },
  },
  {
    attack: "a margin raised by a concentration that is no bit",
    ...{ file: lib("marginLowerBound"), template: "MarginLowerBound", parameters: [1, 1] },
    line: "claimsConcentrated[i] * (1 - claimsConcentrated[i]) === 0;",
    input: { ...bound, claimsConcentrated: [9n] },
  },
  {
    attack: "the losses of two scenarios together",
    ...{ file: lib("scenarioLoss"), template: "ScenarioLoss", line: "chosen * (1 - chosen) === 0;" },
    input: {
      sums: [3n, 5n, 0n, 0n, 0n, 0n],
      scenario: Array.from({ length: 16 }, (_, s) => (s === 0 || s === 3 ? 1n : 0n)),
    },
  },
  escrowMutation(
    "the target's cash kept from those who follow the account",
    "targetWords[0] === targetPads.out[0] + targetCash + (1 << 60);",
    { targetWords: targetWords.with(0, 1n) },
  ),
  escrowMutation(
    "the target's sizes kept from those who follow the account",
    "for (var w = 0; w < 3; w++) { targetWords[1 + w] === targetPads.out[1 + w] + sizes[w]; }",
    { targetWords: targetWords.with(1, 1n) },
  ),
  escrowMutation(
    "the keeper's cash kept from those who follow the account",
    "keeperWords[0] === keeperPads.out[0] + keeperCash + (1 << 60) + ids[2] * (1 << 61);",
    keeperWord(0),
  ),
  ...[
    "keeperWords[1] === keeperPads.out[1] + ids[0];",
    "keeperWords[2] === keeperPads.out[2] + ids[1];",
    "keeperWords[3] === keeperPads.out[3] + takenSizes[0];",
    "keeperWords[4] === morePads.out[0] + takenSizes[1];",
    "keeperWords[5] === morePads.out[1] + takenSizes[2];",
  ].map((line, i) =>
    escrowMutation(`word ${i + 1} of the keeper's legs kept from those who follow`, line, keeperWord(i + 1)),
  ),
];

// --- The statements, for two legs of one underlying. -----------------------------------------------------------------------------------

/** Signals with an element for each leg place, and for each underlying. */
const BY_LEG = [
  ...[
    "size",
    "oldFundingIndex",
    "id",
    "words",
    "mark",
    "fundingIndex",
    "longAddOn",
    "shortAddOn",
    "kindBits",
  ],
  ...["concentrationThreshold", "concentrationRate", "settled", "rowPath0", "rowPath1", "rowPath2", "group"],
  ...["taken", "claimsLong", "claimsConcentrated"],
];
const BY_UNDERLYING = [
  ...["underlyingPlace", "underlyingRoot", "underlyingPath0", "underlyingPath1", "claimedScenario"],
  ...["scan", "scanAfter", "keeperScan"],
];

/** An input of the small tier, whose legs are at the first two places and of the first underlying, for two legs and one underlying. */
function narrowed(input: CircuitInput): CircuitInput {
  const cutTo = (value: CircuitValue, count: number): CircuitValue[] =>
    (value as CircuitValue[]).slice(0, count);
  return Object.fromEntries(
    Object.entries(input).map(([signal, value]) => {
      if (signal === "group") return [signal, cutTo(value, 2).map((row) => cutTo(row, 1))];
      if (BY_LEG.includes(signal)) return [signal, cutTo(value, 2)];
      return [signal, BY_UNDERLYING.includes(signal) ? cutTo(value, 1) : value];
    }),
  );
}

const ZERO_LOSSES = Array<bigint>(16).fill(0n);
/** A lot of the perpetual is worth $100 and its margin is $10, whatever its price does. */
const flat = smallMarket(
  {},
  { perpetual: { fundingIndex: 0n, losses: ZERO_LOSSES, longAddOn: 10n * USD, shortAddOn: 10n * USD } },
);
const lots = (size: bigint): Leg => ({ id: PERPETUAL, size, fundingIndex: 0n });
/** A thousand lots, MM = $10,000, with the given equity. */
const noteAt = (equity: bigint, size = 1_000n): Note => noteWith(equity - size * 100n * USD, [lots(size)]);

const takeOverOf = (
  target: Note,
  asked: TakeOverRequest,
  keeper: Note = keeperNote(RICH),
  snapshot: Snapshot = flat,
) =>
  computeTakeOver(
    { note: target, leafIndex: LEAF_INDEX },
    { note: keeper, leafIndex: KEEPER_LEAF_INDEX },
    snapshot,
    asked,
  );
const inputOf = (...args: Parameters<typeof takeOverOf>): CircuitInput =>
  takeOverInputs(takeOverOf(...args), args[3] ?? flat).input;

const honestRequest = request(30_000n);
const honest = takeOverOf(noteAt(5_000n * USD), honestRequest);
const honestInput = takeOverInputs(honest, flat).input;

/** The words of `escrow`, decrypted, under the pads of another commitment. */
function padAgain(escrowWords: readonly bigint[], rho: bigint, from: bigint, to: bigint): bigint[] {
  const pads = (commitment: bigint): bigint[] => [
    ...poseidonMany(DOMAIN.takeOverPad, [rho, commitment, 0n], 4),
    ...poseidonMany(DOMAIN.takeOverPad, [rho, commitment, 1n], 2),
  ];
  const [before, after] = [pads(from), pads(to)];
  return escrowWords.map((word, i) => toField(word - (before[i] as bigint) + (after[i] as bigint)));
}

const inventedTarget = inputOf(noteAt(1_000n * USD), request(40_000n));
const inventedKeeper = inputOf(noteAt(5_000n * USD), honestRequest, keeperNote(1_000n * RICH));

/** One lot of an option hedges a thousand of the perpetual; a quarter of the account takes the hedge whole. */
const hedged = smallMarket(
  {},
  {
    perpetual: { fundingIndex: 0n },
    option: { losses: Array.from({ length: 16 }, (_, s) => -1_125n * USD * BigInt(s - 8)) },
  },
);
const hedgedNote = noteWith(10_000n * USD - 10_000n * 100n * USD + 10n * 30n * USD, [
  lots(10_000n),
  { id: OPTION, size: -10n, fundingIndex: 0n },
]);

/** A settled option pays out more than a note may hold, and a short perpetual owes as much. */
const overflowing = noteWith((1n << 60n) - 1n, [
  { id: SETTLED_OPTION, size: 1n << 35n, fundingIndex: 0n },
  lots(-25_272_836_755n),
]);

const statement = (
  attack: string,
  line: string,
  becomes: string | undefined,
  input: CircuitInput,
): Mutation => ({
  ...{
    attack,
    file: "circuits/liquidation.circom",
    template: "Liquidation",
    parameters: [2, 1],
    line,
    becomes,
  },
  input: narrowed(input),
});

const liquidationMutations: Mutation[] = [
  statement("a target that is in no tree", "targetState.root === stateRoot;", undefined, {
    ...inventedTarget,
    ...{
      stateRoot: honestInput.stateRoot as bigint,
      keeperStateLeaves: honestInput.keeperStateLeaves as bigint[],
    },
    keeperStateLevels: honestInput.keeperStateLevels as bigint[][],
  }),
  statement("a keeper whose cash is in no tree", "keeperState.root === stateRoot;", undefined, {
    ...inventedKeeper,
    ...{
      stateRoot: honestInput.stateRoot as bigint,
      targetStateLeaves: honestInput.targetStateLeaves as bigint[],
    },
    targetStateLevels: honestInput.targetStateLevels as bigint[][],
  }),
  statement("a target that stays unspent", "targetSpend.nullifier === targetNullifier;", undefined, {
    ...honestInput,
    targetNullifier: 1n,
  }),
  statement("a keeper's note that stays unspent", "keeperSpend.nullifier === keeperNullifier;", undefined, {
    ...honestInput,
    keeperNullifier: 1n,
  }),
  statement(
    "oneself",
    "oneself.out === 0;",
    undefined,
    inputOf(noteAt(5_000n * USD), honestRequest, {
      ...keeperNote(RICH),
      entity: entityOf(SECRETS.entitySecret),
    }),
  ),
  statement("a keeper who is no member", "member.needed <== 1;", "member.needed <== 0;", {
    ...honestInput,
    registryRoot: 1n,
  }),
  statement(
    "more than the whole account",
    "sliceRange.in <== slice - 1;",
    "sliceRange.in <== 0;",
    // The circuit takes the remaining shorts for less than nothing of a long, hence for a cure.
    { ...inputOf(noteAt(-10_000n * USD), request(70_000n)), cured: 1n },
  ),
  statement(
    "a healthy account",
    "shortfall.in <== maintenance - equity - 1;",
    "shortfall.in <== 0;",
    inputOf(noteAt(10_000n * USD), request(6_000n)),
  ),
  statement("a flag that ends without a cure", "cure.nonNegative === cured;", undefined, {
    ...honestInput,
    cured: 1n - (honestInput.cured as bigint),
  }),
  statement(
    "an account left in a worse state than before",
    "ratioRange.in <== payments.solvent * (ratioAfter - ratioBefore);",
    "ratioRange.in <== 0;",
    inputOf(hedgedNote, request(16_384n, 0n), keeperNote(RICH), hedged),
  ),
  statement("another note in the target's place", "targetAfter.commitment === targetCommitment;", undefined, {
    ...honestInput,
    targetCommitment: 1n,
    targetEscrow: padAgain(
      honestInput.targetEscrow as bigint[],
      honest.target.before.rho,
      commitmentOf(honest.target.after),
      1n,
    ),
  }),
  statement("another note in the keeper's place", "keeperAfter.commitment === keeperCommitment;", undefined, {
    ...honestInput,
    keeperCommitment: 1n,
    keeperEscrow: padAgain(
      honestInput.keeperEscrow as bigint[],
      honest.keeper.before.rho,
      commitmentOf(honest.keeper.after),
      1n,
    ),
  }),
  statement(
    "a fee below zero, which makes money",
    "feeRange.in <== fee;",
    "feeRange.in <== 0;",
    inputOf(noteAt(5_000n * USD), request(30_000n, 6553n, { fee: -RICH })),
  ),
  statement(
    "a target with more cash than a note may hold",
    "targetCashRange.in <== targetCash;",
    "targetCashRange.in <== 0;",
    inputOf(overflowing, request(WHOLE / 4n, 0n), keeperNote(1n << 57n)),
  ),
  statement(
    "a keeper with more cash than a note may hold",
    "keeperCashRange.in <== keeperCashAfter;",
    "keeperCashRange.in <== 0;",
    inputOf(noteAt(5_000n * USD, -1_000n), honestRequest, keeperNote((1n << 60n) - 1n)),
  ),
  statement(
    "a keeper without the initial margin",
    "keeperSurplus.in <== (keeperCashAfter + margin[2].value) * Q16() - keeperRequired;",
    "keeperSurplus.in <== 0;",
    inputOf(noteAt(-1n), request(WHOLE, 0n), keeperNote(12_000n * USD)),
  ),
  statement(
    "a keeper who owes the price of his options",
    "keeperNetCash.in <== keeperCashAfter + counted.value + debtLimit;",
    "keeperNetCash.in <== 0;",
    inputOf(
      noteWith(-30n * USD * 1_000n, [{ id: OPTION, size: 1_000n, fundingIndex: 0n }]),
      request(WHOLE, 0n),
      keeperNote(30n * USD * 1_000n - 1n),
    ),
  ),
];

/** Inputs of `insolvency` for a note, at an equity below its margin. */
function insolvencyInput(note: Note, point = 0n): CircuitInput {
  const tree = treeWith(commitmentOf(note));
  return prepareInsolvency(note, LEAF_INDEX, flat, { root: tree.root, path: tree.path(LEAF_INDEX) }, point)
    .input;
}
const below = noteAt(9_000n * USD);
const healthyNote = noteAt(10_000n * USD);
const healthyTree = treeWith(commitmentOf(healthyNote));
const healthyPath = healthyTree.path(LEAF_INDEX);
const point = 123_456_789n;

const insolvency = (
  attack: string,
  line: string,
  becomes: string | undefined,
  input: CircuitInput,
): Mutation => ({
  ...{
    attack,
    file: "circuits/insolvency.circom",
    template: "Insolvency",
    parameters: [2, 1],
    line,
    becomes,
  },
  input: narrowed(input),
});

const insolvencyMutations: Mutation[] = [
  insolvency("the flag of a note that is in no tree", "state.root === stateRoot;", undefined, {
    ...insolvencyInput(below),
    stateRoot: 1n,
  }),
  insolvency("a flag under another note's nullifier", "spend.nullifier === nullifier;", undefined, {
    ...insolvencyInput(below),
    nullifier: 1n,
  }),
  insolvency("a false opening", "disclosure.digest === disclosureValue;", undefined, {
    ...insolvencyInput(below, point),
    disclosureValue: wordsDigest(openingWords({ ...below, cash: below.cash + 1n }), point),
  }),
  insolvency(
    "the flag of a healthy account",
    "shortfall.in <== margin.bound - equity - 1;",
    "shortfall.in <== 0;",
    {
      ...insolvencyInput(below),
      cash: healthyNote.cash,
      ...{ stateRoot: healthyTree.root, stateLeaves: healthyPath.leaves, stateLevels: healthyPath.levels },
    },
  ),
];

test.for([...templateMutations, ...insolvencyMutations, ...liquidationMutations])(
  "$attack needs only $line",
  { timeout: 600_000 },
  async ({ file, template, parameters, line, becomes, input }) => {
    const whole = await loadTemplate(file, template, parameters, [], "O1");
    expect(await whole.refusedBy(input)).toBeDefined();
    const options = { replacement: becomes, parameters, optimization: "O1" } as const;
    const mutant = await loadMutant(file, template, line, options);
    expect(await mutant.refusedBy(input)).toBeUndefined();
  },
);

test("what the mutants are measured against is accepted", { timeout: 600_000 }, async () => {
  const accepted: [string, string, number[], CircuitInput][] = [
    [lib("slice"), "Slice", [], cut],
    [lib("sliceBounds"), "SliceBounds", [], { ...terms, slice: range.most }],
    [lib("takeOverPayments"), "TakeOverPayments", [], paid],
    [lib("takeOverPayments"), "TakeOverPayments", [], credited],
    [lib("heldLegs"), "HeldLegs", [1], held],
    [lib("marginLowerBound"), "MarginLowerBound", [1, 1], bound],
    [lib("takeOverEscrow"), "TakeOverEscrow", [2], escrow],
    ["circuits/liquidation.circom", "Liquidation", [2, 1], narrowed(honestInput)],
    ["circuits/insolvency.circom", "Insolvency", [2, 1], narrowed(insolvencyInput(below, point))],
  ];
  for (const [file, template, parameters, input] of accepted) {
    const circuit = await loadTemplate(file, template, parameters, [], "O1");
    expect(await circuit.refusedBy(input), template).toBeUndefined();
  }
});

test("a digest of words is the words' only: without its equation any value passes for one", async () => {
  const circuit = await loadTemplate(lib("wordsDigest"), "WordsDigest", [3]);
  const witness = await circuit.witness({ word: [7n, 8n, 9n], point });
  expect(circuit.get(witness, "main.digest")).toBe(wordsDigest([7n, 8n, 9n], point));
  expect(circuit.brokenBy(witness, "main.digest", 1n)).not.toEqual([]);
  const system = await systemOf(lib("wordsDigest"), "WordsDigest", ["word", "point"], [3]);
  expect(unprovenSignals(system)).toEqual([]);
});
