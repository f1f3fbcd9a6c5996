import type { Signer, TypedDataDomain, TypedDataField } from "ethers";
import { AbiCoder, getAddress, keccak256 } from "ethers";
import { FIELD_ORDER } from "../protocol/constants.ts";

/** The zero address: in terms, nobody in particular. */
export const NOBODY = "0x0000000000000000000000000000000000000000";

/** What a proof binds besides its statement. Addresses are 0x-prefixed; the deadline is in Unix seconds. */
export interface Terms {
  /** Funds a deposit. */
  payer: string;
  /** Receives a withdrawal. */
  recipient: string;
  /** Alone may submit, and earns the fee; {@link NOBODY}: anybody may submit and earns it. */
  relayer: string;
  deadline: bigint;
}

/** What the payer of a deposit signs when somebody else submits it. */
export interface DepositAuthorization {
  nullifier: bigint;
  commitment: bigint;
  asset: bigint;
  /** Micro-USDC for cash, lots otherwise. */
  amount: bigint;
  /** The terms' deadline. */
  deadline: bigint;
}

/** What the oracle's reporters sign. Times are Unix seconds. */
export interface SnapshotHeader {
  epoch: bigint;
  time: bigint;
  snapshotRoot: bigint;
  /** Keccak-256 of the posted inputs, 0x-prefixed. */
  inputsHash: string;
  /** No index or volatility moved more than 1% of itself since the snapshot before. */
  steady: boolean;
}

export const DEPOSIT_TYPES: Record<string, TypedDataField[]> = {
  Deposit: [
    { name: "nullifier", type: "uint256" },
    { name: "commitment", type: "uint256" },
    { name: "asset", type: "uint256" },
    { name: "amount", type: "uint256" },
    { name: "deadline", type: "uint64" },
  ],
};

export const HEADER_TYPES: Record<string, TypedDataField[]> = {
  SnapshotHeader: [
    { name: "epoch", type: "uint64" },
    { name: "time", type: "uint64" },
    { name: "snapshotRoot", type: "uint256" },
    { name: "inputsHash", type: "bytes32" },
    { name: "steady", type: "bool" },
  ],
};

/** EIP-712 domain of a ledger. */
export function ledgerDomain(chainId: bigint, ledger: string): TypedDataDomain {
  return { name: "Solvus Ledger", version: "1", chainId, verifyingContract: ledger };
}

/** EIP-712 domain of a risk oracle. */
export function oracleDomain(chainId: bigint, oracle: string): TypedDataDomain {
  return { name: "Solvus RiskOracle", version: "1", chainId, verifyingContract: oracle };
}

/** The payer's signature over a deposit, for `Transition.payerSignature`. */
export function signDeposit(
  payer: Signer,
  chainId: bigint,
  ledger: string,
  deposit: DepositAuthorization,
): Promise<string> {
  return payer.signTypedData(ledgerDomain(chainId, ledger), DEPOSIT_TYPES, deposit);
}

/** The reporters' signatures over a header in the order that `RiskOracle.post` wants: ascending signer address. */
export async function signHeader(
  reporters: readonly Signer[],
  chainId: bigint,
  oracle: string,
  header: SnapshotHeader,
): Promise<string[]> {
  const domain = oracleDomain(chainId, oracle);
  const signed = await Promise.all(
    reporters.map(async (reporter) => ({
      signer: BigInt(await reporter.getAddress()),
      signature: await reporter.signTypedData(domain, HEADER_TYPES, header),
    })),
  );
  signed.sort((a, b) => (a.signer < b.signer ? -1 : 1));
  return signed.map(({ signature }) => signature);
}

/**
 * The `context` public signal of `open` and `transition`: the field element that binds a proof to chain, ledger and terms. For `open`
 * payer and recipient are {@link NOBODY}.
 */
export function proofContext(chainId: bigint, ledger: string, terms: Terms): bigint {
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ["uint256", "address", "address", "address", "address", "uint64"],
    [chainId, getAddress(ledger), terms.payer, terms.recipient, terms.relayer, terms.deadline],
  );
  return BigInt(keccak256(encoded)) % FIELD_ORDER;
}
