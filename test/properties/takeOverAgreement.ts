import { SolvusError } from "../../protocol/errors.ts";
import { checkTakeOver, computeTakeOver, type TakeOver } from "../../protocol/liquidation.ts";
import { prepareTakeOver } from "../../protocol/liquidationInput.ts";
import { checkNote, commitmentOf } from "../../protocol/note.ts";
import type { CircuitInput } from "../../protocol/openedRowsInput.ts";
import {
  decryptKeeperChange,
  decryptTargetChange,
  encryptKeeperChange,
  encryptTargetChange,
} from "../../protocol/takeOverEscrow.ts";
import { openRow } from "../../protocol/transition.ts";
import { verdictOf } from "../support/rule.ts";
import { KEEPER } from "./accounts.ts";
import { forgedListing, registryOf, stateWith } from "./ledgerState.ts";
import type { RulesCircuit } from "./rulesCircuit.ts";
import type { TakeOverCase } from "./takeOverCases.ts";
import { equityOf, takeOverBreaches } from "./takeOverRules.ts";
import type { Tally } from "./tally.ts";

/** For each rule of the model, where the circuit refuses what breaches it and nothing else. */
const TAKE_OVER_PLACES: Record<string, RegExp> = {
  // A slice of 0 or less, or above 1, cuts legs in ways that no hint of what is taken describes.
  "liquidation.slice": /^Liquidation: (sliceRange\.in|cut\[i\]\.taken)/,
  "liquidation.rate": /SliceBounds: rateRange\.in/,
  "liquidation.restoration": /SliceBounds: restorationRange\.in/,
  "liquidation.fee": /^Liquidation: feeRange\.in/,
  "liquidation.keeperLegs": /^Liquidation: (keeperState\.root === stateRoot|keeperState\.)/,
  "liquidation.oneself": /^Liquidation: oneself\.out === 0/,
  "liquidation.membership": /> RequireMember: /,
  "liquidation.healthy": /^Liquidation: shortfall\.in/,
  "liquidation.tooMuch": /SliceBounds: (room\.in|\(1 - large\.nonNegative\))|^Liquidation: sliceRange\.in/,
  "liquidation.tooLittle": /SliceBounds: (\(1 - quarterOfWhole|\(1 - large\.nonNegative\))/,
  "liquidation.payment": /TakeOverPayments: paymentRange\.in/,
  "liquidation.deficit": /TakeOverPayments: deficitRange\.in/,
  "liquidation.reward": /TakeOverPayments: rewardRange\.in/,
  "liquidation.ratio": /^Liquidation: ratioRange\.in/,
  "liquidation.targetCash": /^Liquidation: targetCashRange\.in/,
  "liquidation.keeperCash": /^Liquidation: keeperCashRange\.in/,
  "liquidation.keeperMargin": /^Liquidation: keeperSurplus\.in/,
  "liquidation.keeperNetCash": /^Liquidation: keeperNetCash\.in/,
};

interface Asked {
  takeOver: TakeOver;
  verdict: string;
  input: CircuitInput;
  publicSignals: bigint[];
}

function askedOf(found: TakeOverCase): Asked {
  const { snapshot, target, targetLeafIndex, keeper, keeperLeafIndex, request, listing } = found;
  const takeOver = computeTakeOver(
    { note: target, leafIndex: targetLeafIndex },
    { note: keeper, leafIndex: keeperLeafIndex },
    snapshot,
    request,
  );
  const state = stateWith(
    new Map([
      [targetLeafIndex, commitmentOf(target)],
      [keeperLeafIndex, commitmentOf(keeper)],
    ]),
  );
  const registry = registryOf(listing, keeper.entity, snapshot);
  const witness = {
    spendSecret: KEEPER.spendSecret,
    state: {
      root: state.root,
      targetPath: state.path(targetLeafIndex),
      keeperPath: state.path(keeperLeafIndex),
    },
    context: 77n,
  };
  const verdict = verdictOf(() => checkTakeOver(takeOver, snapshot));
  try {
    return { takeOver, verdict, ...prepareTakeOver(takeOver, snapshot, { ...witness, registry }) };
  } catch (error) {
    // Membership alone is judged there; the rest is asked as if the registry were open.
    if (!(error instanceof SolvusError) || registry === undefined) throw error;
    const { input, publicSignals } = prepareTakeOver(takeOver, snapshot, witness);
    return {
      takeOver,
      verdict: verdict === "accepted" ? "liquidation.membership" : verdict,
      input: { ...input, ...forgedListing(registry, keeper.entity) },
      publicSignals: publicSignals.with(2, registry.root),
    };
  }
}

/**
 * What a keeper may put forward instead, each with the note and the escrow that follow from it: another payment, reward, deficit or cut,
 * another scan risk, another verdict on the cure. None may pass.
 */
function otherTerms({ takeOver, input }: Asked, lie: number): CircuitInput {
  const { target, keeper } = takeOver;
  const targetCash = (by: bigint): CircuitInput => {
    const after = { ...target.after, cash: target.after.cash + by };
    return { targetCommitment: commitmentOf(after), targetEscrow: encryptTargetChange(target.before, after) };
  };
  const keeperCash = (by: bigint): CircuitInput => {
    const after = { ...keeper.after, cash: keeper.after.cash + by };
    return { keeperCommitment: commitmentOf(after), keeperEscrow: encryptKeeperChange(keeper.before, after) };
  };
  const raised = (signal: string, by: bigint): bigint => (input[signal] as bigint) + by;
  const scans = (signal: string, by: bigint): bigint[] =>
    (input[signal] as bigint[]).map((risk) => risk + by);
  const lies: CircuitInput[] = [
    { payment: raised("payment", 1n), ...targetCash(-1n), ...keeperCash(1n) },
    { payment: raised("payment", -1n), ...targetCash(1n), ...keeperCash(-1n) },
    { reward: raised("reward", 1n), ...keeperCash(1n) },
    { deficit: raised("deficit", 1n), ...targetCash(1n) },
    { cured: 1n - (input.cured as bigint) },
    { scan: scans("scan", 1n) },
    { scanAfter: scans("scanAfter", 1n) },
    { keeperScan: scans("keeperScan", -1n) },
    { taken: (input.taken as bigint[]).map((lots) => lots + 1n) },
    keeperCash(1n),
    targetCash(1n),
  ];
  return { ...input, ...lies[lie % lies.length] };
}

/**
 * Puts one take-over before the model, the rulebook's restatement and the circuit, then a lie of the same case before the circuit. Throws
 * an Error that says who differs from whom; counts what each said.
 */
export function expectTakeOverAgreement(found: TakeOverCase, circuit: RulesCircuit, tally: Tally): void {
  const { snapshot, rows, lie } = found;
  const asked = askedOf(found);
  const { takeOver, verdict, input, publicSignals } = asked;
  const refusal = circuit.refusedAt(input);
  tally.expect(verdict, [...takeOverBreaches(found)], refusal, TAKE_OVER_PLACES);
  if (circuit.refusedAt(otherTerms(asked, lie)) === undefined)
    throw new Error(`model: ${verdict}; the circuit believes lie ${lie}`);
  if (refusal !== undefined) return;

  const signals = circuit.publicSignals(input);
  if (signals.some((signal, i) => signal !== publicSignals[i]))
    throw new Error(`public signals: the circuit's are ${signals}, the model's ${publicSignals}`);

  // Nothing is made or lost between the two but what the fund pays and the relayer gets; both notes are valid and can be followed.
  const { target, keeper, deficit, reward, request } = takeOver;
  const before = equityOf(target.before, rows) + equityOf(keeper.before, rows);
  const after = equityOf(target.after, rows) + equityOf(keeper.after, rows);
  if (after + request.fee !== before + deficit + reward)
    throw new Error(`equity of both: ${before} before, ${after} after`);
  const fundingIndexOf = (id: bigint): bigint => openRow(snapshot, id).row.fundingIndex;
  for (const [party, words, decrypt] of [
    [target, encryptTargetChange(target.before, target.after), decryptTargetChange],
    [keeper, encryptKeeperChange(keeper.before, keeper.after), decryptKeeperChange],
  ] as const) {
    checkNote(party.after);
    const published = {
      leafIndex: party.leafIndex,
      commitment: commitmentOf(party.after),
      escrow: words,
    };
    if (commitmentOf(decrypt(party.before, published, fundingIndexOf)) !== published.commitment)
      throw new Error("escrow: opens to another note");
  }
}
