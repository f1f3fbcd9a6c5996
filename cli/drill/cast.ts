import { randomBytes } from "node:crypto";
import { Wallet } from "ethers";
import { type AccountSecrets, accountSecrets, MASTER_SECRET_BYTES } from "../../prover/secrets.ts";
import { scopeOf } from "../../services/chain/reading.ts";
import type { Owner, OwnerSetting } from "../up/owner.ts";
import type { Member } from "./population.ts";

/** A member of the drill with the secrets of its account. */
export interface Person extends Owner {
  member: Member;
  /** All that it has deposited, at the price of the time; micro-USDC. */
  deposited: bigint;
}

/**
 * The people behind the members. Each is an institution of its own, except that the keeper has all keepers' accounts, numbered from 1 by its
 * master secret.
 */
export function castOf(
  members: readonly Member[],
  { deployed, provider }: Pick<OwnerSetting, "deployed" | "provider">,
  keeperMaster: Uint8Array,
): Person[] {
  const scope = scopeOf(deployed);
  let keepers = 0n;
  const secretsOf = ({ role }: Member): AccountSecrets => {
    if (role !== "keeper") return accountSecrets(randomBytes(MASTER_SECRET_BYTES), 1n, scope);
    keepers += 1n;
    return accountSecrets(keeperMaster, keepers, scope);
  };
  return members.map((member) => ({
    member,
    secrets: secretsOf(member),
    wallet: new Wallet(`0x${randomBytes(32).toString("hex")}`, provider),
    deposited: 0n,
  }));
}
