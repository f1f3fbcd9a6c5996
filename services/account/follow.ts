import { type AccountPosition, followAccount, openedPosition } from "../../protocol/accountHistory.ts";
import type { Spending } from "../../protocol/ledgerHistory.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import type { Account } from "../../prover/account.ts";
import { type AccountSecrets, firstNote } from "../../prover/secrets.ts";
import { type Reading, scopeOf } from "../chain/reading.ts";
import { followChain } from "../keeper/chainFollower.ts";

/** An account of one's own, kept up with block by block and through re-orgs. */
export interface OwnAccount {
  /** The account at the chain's latest block, with all changes since its opening. Throws `account.notOpened`, `chain.moving`. */
  now(): Promise<Account>;
}

/** Follows an account by its secrets. The first look reads its whole history, later ones what is new. */
export function followOwnAccount({ deployed, snapshots }: Reading, secrets: AccountSecrets): OwnAccount {
  const follower = followChain(deployed.chain, deployed.provider);
  let position: AccountPosition | undefined;
  let changes: Spending[] = [];
  let last: Promise<unknown> = Promise.resolve();

  const look = async (): Promise<Account> => {
    const advance = await follower.advance();
    if (advance?.reorganized) {
      position = undefined;
      changes = [];
    }
    const { history } = follower;
    const from = position ?? openedPosition(history, firstNote(secrets));
    const followed = await followAccount(from, history, snapshots);
    position = { note: followed.note, leafIndex: followed.leafIndex };
    changes = [...changes, ...followed.changes];
    return { secrets, scope: scopeOf(deployed), ...followed, changes };
  };

  return {
    now() {
      // One look at a time: two would both add what is new.
      const looking = last.then(look);
      last = looking.catch(() => undefined);
      return looking;
    },
  };
}

/** The latest snapshot, recomputed when it is a new one. */
export async function presentSnapshot({ deployed, snapshots }: Reading): Promise<MarketSnapshot> {
  return snapshots(await presentRoot(deployed));
}

/** Root of the latest snapshot. */
export async function presentRoot({ oracle }: Pick<Reading["deployed"], "oracle">): Promise<bigint> {
  return (await oracle.latest())[0];
}
