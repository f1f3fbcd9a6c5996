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
export interface InsolvencySetting {
  deployed: Deployed;
  prover: Prover;
  /** Sends, and pays the gas; needs to be nobody in particular. */
  sender: Signer;
  view: LedgerView;
  /** The latest one. */
  snapshot: Snapshot;
}

/** An accepted transaction and the time of its proof. */
export interface ProvenAct {
  receipt: TransactionReceipt;
  proveSeconds: number;
}

async function proveInsolvency(
  { prover, view, snapshot }: InsolvencySetting,
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
  return { tier: TIER[statement.tier.name], proof, signals, proveSeconds };
}

/** Flags a note whose equity is below its maintenance margin, or renews its flag. Throws `insolvency.healthy`. */
export async function flag(setting: InsolvencySetting, at: PlacedNote): Promise<ProvenAct> {
  const { deployed, sender } = setting;
  const { tier, proof, signals, proveSeconds } = await proveInsolvency(setting, at, 0n);
  const sending = deployed.auction.connect(sender) as Deployed["auction"];
  const receipt = await (await sending.flag(tier, proof, signals)).wait();
  return { receipt, proveSeconds };
}

/** Publishes the opening of a note that has been flagged for long enough; all of it, for ever. Throws `insolvency.healthy`. */
export async function reveal(setting: InsolvencySetting, at: PlacedNote): Promise<ProvenAct> {
  const { deployed, sender, view } = setting;
  const { auction, chain } = deployed;
  const words = openingWords(at.note);
  const about = {
    stateRoot: view.history.tree.root,
    nullifier: spendOf(at.note, at.leafIndex).nullifier,
    leafIndex: at.leafIndex,
  };
  const point = disclosurePoint(chain.chainId, await auction.getAddress(), about, words);
  const { tier, proof, signals, proveSeconds } = await proveInsolvency(setting, at, point);
  const sending = auction.connect(sender) as Deployed["auction"];
  const receipt = await (await sending.reveal(tier, proof, signals, words)).wait();
  return { receipt, proveSeconds };
}
