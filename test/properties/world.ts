import { KIND } from "../../protocol/constants.ts";
import { checkNote, commitmentOf, emptyNote, entityOf, type Note, ownerKeyOf } from "../../protocol/note.ts";
import type { RiskRow } from "../../protocol/riskRow.ts";
import { commitSnapshot, type Snapshot } from "../../protocol/snapshot.ts";
import { type StatePath, StateTree, statePathRoot } from "../../protocol/stateTree.ts";
import { linearRow, PARAMETERS, settledRow } from "../support/syntheticMarket.ts";

/* A small ledger for sequences of commands: accounts in a state tree, and a market that moves. No chain, no proofs: the model alone. */

export const SPOT = 1n;
export const PERPETUAL = 2n;
export const OTHER_PERPETUAL = 3n;
export const OPTION = 4n;
export const IDS = [SPOT, PERPETUAL, OTHER_PERPETUAL, OPTION];

/** Prices and funding indexes of the four instruments, micro-USDC for one lot. */
export interface Prices {
  marks: Map<bigint, bigint>;
  indexes: Map<bigint, bigint>;
  /** Once true, for ever: the option is worth what its index says. */
  settled: boolean;
}

/** One account: what only its owner knows, and where its note is. */
export interface Account {
  spendSecret: bigint;
  note: Note;
  leafIndex: bigint;
}

export interface World {
  accounts: Account[];
  tree: StateTree;
  nextNode: number;
  nullifiers: Set<bigint>;
  prices: Prices;
  snapshot: Snapshot;
  /** How often each kind of command did something. */
  done: Map<string, number>;
  /** Called after each step that did something, before accounts and books are compared. */
  afterStep?: (name: string) => void;
}

function rowsOf({ marks, indexes, settled }: Prices): RiskRow[][] {
  const row = (id: bigint, kind: bigint): RiskRow =>
    linearRow(id, kind, marks.get(id) as bigint, {
      fundingIndex: indexes.get(id) as bigint,
      concentrationThreshold: 20n,
    });
  const option = settled ? settledRow(OPTION, indexes.get(OPTION) as bigint) : row(OPTION, KIND.option);
  return [
    [row(SPOT, KIND.spot), row(PERPETUAL, KIND.perpetual), option],
    [row(OTHER_PERPETUAL, KIND.perpetual)],
  ];
}

/** The snapshot of the next epoch at these prices. */
export function snapshotAt(epoch: bigint, prices: Prices): Snapshot {
  return commitSnapshot(epoch, PARAMETERS, rowsOf(prices));
}

/** The row of an instrument in the world's snapshot. */
export function rowIn({ snapshot }: World, id: bigint): RiskRow {
  const at = snapshot.tree.locate(id) as { underlying: number; place: number };
  return snapshot.tree.row(at.underlying, at.place);
}

/** Writes new notes as the ledger does, a bottom node at a time, and checks that their owners find them under the new root. */
export function write(world: World, written: readonly (readonly [Account, Note])[]): void {
  const commitments = written.map(([, note]) => commitmentOf(note));
  const leaves = Array.from({ length: 16 }, (_, place) => commitments[place] ?? 0n);
  world.tree.insertNode(world.nextNode, leaves);
  written.forEach(([account, note], place) => {
    checkNote(note);
    account.note = note;
    account.leafIndex = BigInt(world.nextNode * 16 + place);
    if (statePathRoot(commitments[place] as bigint, world.tree.path(account.leafIndex)) !== world.tree.root)
      throw new Error("the new note is not under the root");
  });
  world.nextNode++;
}

/** Spends an account's note: a second time is an error. */
export function spend({ nullifiers }: World, nullifier: bigint): void {
  if (nullifiers.has(nullifier)) throw new Error(`nullifier ${nullifier}: spent twice`);
  nullifiers.add(nullifier);
}

/** Root and path for a proof about an account's note. */
export function stateOf({ tree }: World, { leafIndex }: Account): { root: bigint; path: StatePath } {
  return { root: tree.root, path: tree.path(leafIndex) };
}

/** So many empty accounts of as many entities, at the first prices. */
export function newWorld(accounts: number): World {
  const prices: Prices = {
    marks: new Map([
      [SPOT, 200_000_000n],
      [PERPETUAL, 100_000_000n],
      [OTHER_PERPETUAL, 70_000_001n],
      [OPTION, 30_000_000n],
    ]),
    indexes: new Map(IDS.map((id) => [id, 0n])),
    settled: false,
  };
  const world: World = {
    accounts: [],
    tree: new StateTree(),
    nextNode: 0,
    nullifiers: new Set(),
    prices,
    snapshot: snapshotAt(1n, prices),
    done: new Map(),
  };
  const opened = Array.from({ length: accounts }, (_, k): [Account, Note] => {
    const spendSecret = BigInt(1_000 + k);
    const note = emptyNote(ownerKeyOf(spendSecret), entityOf(BigInt(2_000 + k)), BigInt(3_000 + k));
    return [{ spendSecret, note, leafIndex: 0n }, note];
  });
  world.accounts.push(...opened.map(([account]) => account));
  write(world, opened);
  return world;
}
