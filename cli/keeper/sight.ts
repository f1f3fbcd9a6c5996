import type { FollowedAccount } from "../../protocol/accountHistory.ts";
import { SUBGROUP_ORDER } from "../../protocol/babyJubjub.ts";
import type { LedgerView } from "../../protocol/chain.ts";
import { ensure, Misuse } from "../../protocol/errors.ts";
import { committeeKeyOf } from "../../protocol/openEscrow.ts";
import type { Deployed } from "../../services/chain/deployment.ts";
import type { Reading } from "../../services/chain/reading.ts";
import { escrowedAccounts, revealedAccounts } from "../../services/keeper/sight.ts";
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
