import { randomBytes } from "node:crypto";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import {
  type AccountSecrets,
  accountSecrets,
  type LedgerScope,
  MASTER_SECRET_BYTES,
} from "../../prover/secrets.ts";

/** An institution of the demo: its name, its address on the chain, and the secrets of its account. */
export interface Institution {
  name: string;
  signer: HardhatEthersSigner;
  secrets: AccountSecrets;
}

/** An institution with a fresh master secret, from which the secrets of its first account on a ledger follow. */
export function institution(name: string, signer: HardhatEthersSigner, scope: LedgerScope): Institution {
  return { name, signer, secrets: accountSecrets(randomBytes(MASTER_SECRET_BYTES), 1n, scope) };
}
