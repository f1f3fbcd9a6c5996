import { decryptChange, encryptChange } from "../../protocol/accountEscrow.ts";
import { SolvusError } from "../../protocol/errors.ts";
import { checkNote, commitmentOf, type Note } from "../../protocol/note.ts";
import type { CircuitInput } from "../../protocol/openedRowsInput.ts";
import type { Registry } from "../../protocol/registryTree.ts";
import { checkTransition, computeTransition, openRow, type Transition } from "../../protocol/transition.ts";
import { prepareTransition } from "../../protocol/transitionInput.ts";
import { verdictOf } from "../support/rule.ts";
import { OWNER } from "./accounts.ts";
import { forgedListing, registryOf, stateWith } from "./ledgerState.ts";
import type { RulesCircuit } from "./rulesCircuit.ts";
import type { Tally } from "./tally.ts";
import type { TransitionCase } from "./transitionCases.ts";
import { breachesOf } from "./transitionRules.ts";

const CONTEXT = 424_242n;

/** Circuits by the names of circuits/instances.json. */
export type TransitionCircuits = Record<string, RulesCircuit>;

/** For each rule of the model, where the circuit refuses what breaches it and nothing else. */
export const TRANSITION_PLACES: Record<string, RegExp> = {
  "transition.mode": /^Transition: modeBits\.in/,
  "transition.amount": /SpotFlow: (deposit|withdrawal|lots)Range\.in/,
  "transition.oneFlow": /SpotFlow: hasDeposit \* hasWithdrawal === 0/,
  "transition.asset": /SpotFlow: asset \* /,
  "transition.spotFlow": /SpotFlow: lots \* \(spotMatches - 1\) === 0/,
  "transition.fee": /^Transition: feeRange\.in/,
  "trade.legs": /TradePackage: (cash|side) \* \(1 - hasTrade\) === 0|^Transition: trade\.tag === tradeTag/,
  "trade.size": /TradePackage: (sizeRange\[j\]\.in|id\[j\] \* \(1 - used\[j\]\) === 0)/,
  "trade.order": /TradePackage: order\[j\]\.in/,
  "trade.cash": /TradePackage: cashRange\.in/,
  "transition.settledTrade": /^Transition: trade\.tradedMagnitude\[i\] \* settled\[i\] === 0/,
  "transition.size": /^Transition: touchedRange\[i\]\.in/,
  "transition.spot": /^Transition: rows\.isSpot\[i\] \* \(1 - touchedRange\[i\]\.nonNegative\) === 0/,
  "transition.cash": /^Transition: cashRange\.in/,
  "transition.exit": /^Transition: exiting \* oldNotSpotCount === 0/,
  // In a wind-down the model looks at sizes after it, the circuit at those before, so a claim of safety may fail first.
  "transition.modeTrade": /^Transition: (leaving \* \(trade\.hasTrade|safe \* enlargedTotal === 0)/,
  "transition.modeDeposit": /^Transition: leaving \* \(trade\.hasTrade/,
  "transition.leavingCash": /^Transition: leaving \* \(1 - cashRange\.nonNegative\) === 0/,
  "transition.reduceOnly": /^Transition: reduceOnly \* requiresInitialMargin === 0/,
  "transition.maintenanceMargin": /^Transition: surplusRange\.in/,
  "transition.initialMargin": /^Transition: surplusRange\.in/,
  "transition.netCash": /^Transition: netCashRange\.in/,
  "transition.priceBand": /^Transition: bandRange\.in/,
  "transition.membership": /> RequireMember: /,
};

/** What a case comes to: the model's verdict, and what the circuit is asked whether the model would ask it or not. */
export interface Asked {
  transition: Transition;
  verdict: string;
  /** The instance of circuits/instances.json that has room for the account. */
  circuit: string;
  input: CircuitInput;
  publicSignals: bigint[];
}

/** The model's verdict on a case and the circuit's inputs, with the nearest lie where the model makes none for want of a listing. */
export function askedOf(found: TransitionCase): Asked {
  const { snapshot, before, leafIndex, request, listing } = found;
  const transition = computeTransition(before, leafIndex, snapshot, request);
  const state = stateWith(new Map([[leafIndex, commitmentOf(before)]]));
  const registry = registryOf(listing, before.entity, snapshot);
  const witness = {
    spendSecret: OWNER.spendSecret,
    state: { root: state.root, path: state.path(leafIndex) },
    context: CONTEXT,
  };
  const verdict = verdictOf(() => checkTransition(transition, snapshot));
  try {
    return { transition, verdict, ...prepareTransition(transition, snapshot, { ...witness, registry }) };
  } catch (error) {
    // Membership alone is judged there; the rest is asked as if the registry were open.
    if (!(error instanceof SolvusError) || registry === undefined) throw error;
    const membership = error.rule === "registry.unknown" ? "transition.membership" : error.rule;
    const { circuit, input, publicSignals } = prepareTransition(transition, snapshot, witness);
    return {
      transition,
      circuit,
      verdict: verdict === "accepted" ? membership : verdict,
      input: { ...input, ...forgedListing(registry as Registry, before.entity) },
      publicSignals: publicSignals.with(2, registry.root),
    };
  }
}

/** Hints that somebody may choose otherwise to get a refused transition through. None may. */
function otherHints(input: CircuitInput, lie: number): CircuitInput {
  const scan = input.scan as bigint[];
  const flipped = (signal: string): bigint[] => (input[signal] as bigint[]).map((bit) => 1n - bit);
  const scenario = (s: number): bigint[][] =>
    (input.claimedScenario as bigint[][]).map((bits) => bits.map((_, k) => (k === s ? 1n : 0n)));
  const lies: CircuitInput[] = [
    { safe: 1n - (input.safe as bigint) },
    { safe: 1n, claimedScenario: scenario(lie % 16) },
    { safe: 1n, claimsLong: flipped("claimsLong") },
    { safe: 1n, claimsConcentrated: flipped("claimsConcentrated") },
    { scan: scan.map(() => 0n), safe: 0n },
    { scan: scan.map((risk) => (risk === 0n ? 0n : risk - 1n)) },
  ];
  return { ...input, ...lies[lie % lies.length] };
}

/** Another note than the one that follows, as somebody would commit to it who hoped that nobody looks. */
function otherNote(after: Note, lie: number): Note {
  const live = after.legs.findIndex(({ size }) => size !== 0n);
  const place = live === -1 ? 0 : live;
  const leg = after.legs[place] as Note["legs"][number];
  const withLeg = (changes: Partial<typeof leg>): Note => ({
    ...after,
    legs: after.legs.with(place, { ...leg, ...changes }),
  });
  const notes: Note[] = [
    { ...after, cash: after.cash + 1n },
    { ...after, rho: after.rho + 1n },
    { ...after, entity: after.entity + 1n },
    { ...after, ownerKey: after.ownerKey + 1n },
    withLeg({ size: leg.size + 1n }),
    withLeg({ id: leg.id + 1n }),
    withLeg({ fundingIndex: leg.fundingIndex + 1n }),
    { ...after, legs: after.legs.with(19, { id: 11n, size: 1n, fundingIndex: 0n }) },
  ];
  return notes[lie % notes.length] as Note;
}

/**
 * Puts one case before the model, the rulebook's restatement and the circuit, then a lie of the same case before the circuit. Throws an
 * Error that says who differs from whom; counts what each said.
 */
export function expectAgreement(found: TransitionCase, circuits: TransitionCircuits, tally: Tally): void {
  const { transition, verdict, circuit: name, input, publicSignals } = askedOf(found);
  const circuit = circuits[name];
  if (circuit === undefined) throw new Error(`${name}: not loaded`);
  const { before, leafIndex, snapshot, lie } = found;
  const refusal = circuit.refusedAt(input);
  tally.expect(verdict, [...breachesOf(found)], refusal, TRANSITION_PLACES);
  if (refusal !== undefined) {
    const forced = otherHints(input, lie);
    if (circuit.refusedAt(forced) === undefined)
      throw new Error(`model: ${verdict}; the circuit is talked into it by lie ${lie}`);
    return;
  }

  const signals = circuit.publicSignals(input);
  if (signals.some((signal, i) => signal !== publicSignals[i]))
    throw new Error(`public signals: the circuit's are ${signals}, the model's ${publicSignals}`);

  // What was accepted leads to a valid note again, can be followed by whoever knows the old one, and to no other note.
  const { after } = transition;
  checkNote(after);
  const published = { leafIndex, commitment: commitmentOf(after), escrow: encryptChange(before, after) };
  const followed = decryptChange(before, published, (id) => openRow(snapshot, id).row.fundingIndex);
  if (commitmentOf(followed) !== published.commitment) throw new Error("escrow: opens to another note");
  const other = otherNote(after, lie);
  const forged = {
    ...input,
    commitment: commitmentOf(other),
    escrow: encryptChange(before, { ...after, cash: other.cash, rho: other.rho }),
  };
  const refused = circuit.refusedAt(forged) ?? "accepted";
  if (!refused.includes("newNote.commitment === commitment"))
    throw new Error(`another note after, lie ${lie}: ${refused}`);
}
