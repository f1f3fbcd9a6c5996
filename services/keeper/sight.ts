import { type FollowedAccount, followAccount, followEscrow } from "../../protocol/accountHistory.ts";
import { revealedNote } from "../../protocol/auctionEvents.ts";
import type { LedgerView } from "../../protocol/chain.ts";
import type { Reading } from "../chain/reading.ts";

/** Every account of a ledger, as the risk committee's private key and the chain give it, in the order of opening. */
export function escrowedAccounts(
  { snapshots }: Pick<Reading, "snapshots">,
  { history }: LedgerView,
  committeeKey: bigint,
): Promise<FollowedAccount[]> {
  return followEscrow(history, committeeKey, snapshots);
}

/** The accounts whose contents were published, followed from there to their present notes; each once. */
export async function revealedAccounts(
  { deployed, snapshots }: Pick<Reading, "deployed" | "snapshots">,
  { history, block }: LedgerView,
): Promise<FollowedAccount[]> {
  const accounts = new Map<bigint, FollowedAccount>();
  for (const event of await deployed.chain.auctionEvents(0, block)) {
    if (event.kind !== "revealed") continue;
    const { leafIndex } = event;
    const note = revealedNote(event.words, history.leaves.get(leafIndex) ?? 0n);
    const account = await followAccount({ note, leafIndex }, history, snapshots);
    accounts.set(account.leafIndex, account);
  }
  return [...accounts.values()];
}
