import type { Signer, TypedDataDomain, TypedDataField } from "ethers";
import { AbiCoder, encodeBytes32String, getAddress, keccak256 } from "ethers";
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

/** What a quorum of the oracle's reporters signs. Times are Unix seconds. */
export interface SnapshotHeader {
  epoch: bigint;
  time: bigint;
  snapshotRoot: bigint;
  /** Keccak-256 of the aggregated prices, 0x-prefixed (`pricesHash` in `protocol/pricedInputs.ts`). */
  pricesHash: string;
  /** Keccak-256 of the posted inputs, 0x-prefixed. */
  inputsHash: string;
  /** No index or volatility moved more than 1% of itself since the snapshot before. */
  steady: boolean;
}

/** Epoch, time (Unix seconds) and keys of the prices that all reporters observe. */
export interface ObservedEpoch {
  epoch: bigint;
  time: bigint;
  keys: readonly bigint[];
}

/** What one reporter saw. */
export interface ObservedPrices {
  /** Millionths of the source's quote currency, one for each key; 0 for none. */
  prices: readonly bigint[];
  /** Unix seconds of each price's last trade. */
  tradedAt: readonly bigint[];
  /** Keccak-256 of its other inputs, 0x-prefixed. */
  restHash: string;
}

/** An observation with its reporter's signature, as `RiskOracle.post` takes it. */
export interface Observation extends ObservedPrices {
  signature: string;
}

/** A reporter as the oracle's contract registers it. */
export interface Reporter {
  account: string;
  /** Currency in which its source quotes, ASCII padded to 32 bytes, 0x-prefixed. */
  currency: string;
}

/** A reporter whose source quotes in a currency such as `USD` or `USDC`. */
export function reporterOf(account: string, currency = "USD"): Reporter {
  return { account, currency: encodeBytes32String(currency) };
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
    { name: "pricesHash", type: "bytes32" },
    { name: "inputsHash", type: "bytes32" },
    { name: "steady", type: "bool" },
  ],
};

export const OBSERVATION_TYPES: Record<string, TypedDataField[]> = {
  Observation: [
    { name: "epoch", type: "uint64" },
    { name: "time", type: "uint64" },
    { name: "keys", type: "uint64[]" },
    { name: "prices", type: "uint64[]" },
    { name: "tradedAt", type: "uint64[]" },
    { name: "restHash", type: "bytes32" },
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

/** Signatures in the order that `RiskOracle.post` wants, ascending address. */
async function signAll<T>(
  reporters: readonly Signer[],
  sign: (reporter: Signer, place: number) => Promise<T>,
): Promise<T[]> {
  const signed = await Promise.all(
    reporters.map(async (reporter, place) => ({
      signer: BigInt(await reporter.getAddress()),
      result: await sign(reporter, place),
    })),
  );
  signed.sort((a, b) => (a.signer < b.signer ? -1 : 1));
  return signed.map(({ result }) => result);
}

/** The reporters' signatures over a header, by ascending signer address. */
export function signHeader(
  reporters: readonly Signer[],
  chainId: bigint,
  oracle: string,
  header: SnapshotHeader,
): Promise<string[]> {
  const domain = oracleDomain(chainId, oracle);
  return signAll(reporters, (reporter) => reporter.signTypedData(domain, HEADER_TYPES, header));
}

/** The reporters' signed observations of an epoch, `seen[k]` being what reporter k saw, by ascending signer address. */
export function signObservations(
  reporters: readonly Signer[],
  chainId: bigint,
  oracle: string,
  epoch: ObservedEpoch,
  seen: readonly ObservedPrices[],
): Promise<Observation[]> {
  const domain = oracleDomain(chainId, oracle);
  return signAll(reporters, async (reporter, place) => {
    const { prices, tradedAt, restHash } = seen[place] as ObservedPrices;
    const statement = { ...epoch, prices, tradedAt, restHash };
    const signature = await reporter.signTypedData(domain, OBSERVATION_TYPES, statement);
    return { prices, tradedAt, restHash, signature };
  });
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
