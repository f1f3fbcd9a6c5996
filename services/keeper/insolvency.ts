import type { Signer, TransactionReceipt } from "ethers";
import { disclosurePoint } from "../../contracts/auction.ts";
import { TIER } from "../../contracts/statements.ts";
import type { LedgerView } from "../../protocol/chain.ts";
import { openingWords, prepareInsolvency } from "../../protocol/insolvency.ts";
import type { PlacedNote } from "../../protocol/liquidation.ts";
import { spendOf } from "../../protocol/note.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import type { Prover } from "../../prover/prover.ts";
import type { Deployed } from "../chain/deployment.ts";

/** What an insolvency is proven with. */
export interface InsolvencyWitness {
  deployed: Deployed;
  prover: Prover;
  view: Pick<LedgerView, "history">;
  /** The latest one. */
  snapshot: Snapshot;
}

/** What an insolvency is proven with, and who sends it. */
export interface InsolvencySetting extends InsolvencyWitness {
  /** Sends, and pays the gas; needs to be nobody in particular. */
  sender: Signer;
}

/** A proven call of the auction. */
export interface ProvenCall {
  method: "flag" | "reveal";
  parameters: unknown[];
  proveSeconds: number;
}

/** An accepted transaction and the time of its proof. */
export interface ProvenAct {
  receipt: TransactionReceipt;
  proveSeconds: number;
}

async function proveInsolvency(
  { prover, view, snapshot }: InsolvencyWitness,
  { note, leafIndex }: PlacedNote,
  point: bigint,
) {
  const { tree } = view.history;
  const state = { root: tree.root, path: tree.path(leafIndex) };
  const statement = prepareInsolvency(note, leafIndex, snapshot, state, point);
  const start = performance.now();
  const { proof } = await prover.prove(statement);
  const proveSeconds = (performance.now() - start) / 1000;
  const { stateRoot, snapshotRoot, nullifier } = statement.signals;
  const signals = { stateRoot, snapshotRoot, nullifier, leafIndex };
  return { parameters: [TIER[statement.tier.name], proof, signals], proveSeconds };
}

/** Proves that a note's equity is below its maintenance margin, for a flag. Throws `insolvency.healthy`. */
export async function proveFlag(witness: InsolvencyWitness, at: PlacedNote): Promise<ProvenCall> {
  return { method: "flag", ...(await proveInsolvency(witness, at, 0n)) };
}

/** Proves the same and the note's opening, to publish it. Throws `insolvency.healthy`. */
export async function proveReveal(witness: InsolvencyWitness, at: PlacedNote): Promise<ProvenCall> {
  const { deployed, view } = witness;
  const { auction, chain } = deployed;
  const words = openingWords(at.note);
  const about = {
    stateRoot: view.history.tree.root,
    nullifier: spendOf(at.note, at.leafIndex).nullifier,
    leafIndex: at.leafIndex,
  };
  const point = disclosurePoint(chain.chainId, await auction.getAddress(), about, words);
  const { parameters, proveSeconds } = await proveInsolvency(witness, at, point);
  return { method: "reveal", parameters: [...parameters, words], proveSeconds };
}

async function act({ deployed, sender }: InsolvencySetting, call: ProvenCall): Promise<ProvenAct> {
  const { method, parameters, proveSeconds } = call;
  const sending = deployed.auction.connect(sender) as Deployed["auction"];
  const receipt = await (await sending.getFunction(method)(...parameters)).wait();
  return { receipt, proveSeconds };
}

/** Flags a note whose equity is below its maintenance margin, or renews its flag. Throws `insolvency.healthy`. */
export async function flag(setting: InsolvencySetting, at: PlacedNote): Promise<ProvenAct> {
  return act(setting, await proveFlag(setting, at));
}

/** Publishes the opening of a note that has been flagged for long enough; all of it, for ever. Throws `insolvency.healthy`. */
export async function reveal(setting: InsolvencySetting, at: PlacedNote): Promise<ProvenAct> {
  return act(setting, await proveReveal(setting, at));
}
