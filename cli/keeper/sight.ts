import { type FollowedAccount, followAccount, followEscrow } from "../../protocol/accountHistory.ts";
import { revealedNote } from "../../protocol/auctionEvents.ts";
import { SUBGROUP_ORDER } from "../../protocol/babyJubjub.ts";
import type { LedgerView } from "../../protocol/chain.ts";
import { ensure } from "../../protocol/errors.ts";
import { committeeKeyOf } from "../../protocol/openEscrow.ts";
import type { Reading } from "../account/session.ts";
import type { Deployed } from "../chain/deployment.ts";
import { Misuse } from "../exitCode.ts";
import { secretFrom } from "../password.ts";

/** How a keeper comes to read accounts. */
export interface SightOptions {
  committeeKeyFile?: string;
  /** Without a key: the accounts whose contents the auction published. */
  revealed?: boolean;
}

/** A scalar from the first line of a secret's text, decimal or 0x…; misuse (`cli.viewingKey`) otherwise. The message does not hold it. */
export function viewingKeyOf(text: string): bigint {
  const key = /^(\d{1,78}|0x[0-9a-fA-F]{1,64})$/.test(text) ? BigInt(text) : 0n;
  if (key <= 0n || key >= SUBGROUP_ORDER)
    throw new Misuse(
      "cli.viewingKey",
      "--committee-key-file does not hold a viewing key, expected a number from 1 to below the order of Baby Jubjub's subgroup, decimal or 0x…",
    );
  return key;
}

/** The risk committee's private key that the options name. Throws `keeper.viewingKey` when it is not that of the ledger. */
export async function committeeKeyFor(
  { committeeKeyFile }: SightOptions,
  { chain }: Deployed,
): Promise<bigint> {
  const key = viewingKeyOf(secretFrom(committeeKeyFile, "--committee-key-file", "SOLVUS_COMMITTEE_KEY"));
  const [x, y] = await chain.committeeKey();
  const [ownX, ownY] = committeeKeyOf(key);
  ensure(
    x === ownX && y === ownY,
    "keeper.viewingKey",
    `viewing key: its public key is (${ownX}, ${ownY}), expected the ledger's committee key (${x}, ${y})`,
  );
  return key;
}

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

/** The accounts that the options let a keeper read. */
export async function readableAccounts(
  reading: Reading,
  view: LedgerView,
  options: SightOptions,
): Promise<FollowedAccount[]> {
  return options.revealed === true
    ? revealedAccounts(reading, view)
    : escrowedAccounts(reading, view, await committeeKeyFor(options, reading.deployed));
}
