import { ensure } from "./errors.ts";
import type { FundAccounts } from "./fundHistory.ts";
import type { LedgerHistory } from "./ledgerHistory.ts";

/** An event of the ledger about its tokens. Amounts in units of the asset: micro-USDC for cash, lots otherwise. */
export type CustodyEvent =
  /** One unit of the asset is `unit` smallest units of the token, 0x… */
  | { kind: "listed"; asset: bigint; token: string; unit: bigint }
  /** A payout that the token refused is owed, or what was owed was collected. */
  | { kind: "owed" | "collected"; asset: bigint; amount: bigint };

/** What the ledger must hold of an asset at the least, in units of the asset. */
export interface AssetClaims {
  asset: bigint;
  token: string;
  /** Smallest units of the token in one unit of the asset. */
  unit: bigint;
  /** What all accounts together own. */
  accounts: bigint;
  /** Payouts that failed and wait to be collected. */
  owed: bigint;
  /** Of the accounts' part, what the insurance fund has not covered; cash only. */
  uncovered: bigint;
  /** accounts + owed - uncovered. */
  required: bigint;
}

/** Id of cash among the assets. */
const CASH = 0n;

/**
 * What the public flows of a ledger leave it to hold, by asset in the order of listing: deposits less withdrawals and fees, and what the
 * fund paid for take-overs. Trades and funding move nothing in or out. Throws `custody.unlisted` for a flow of an asset that is not listed.
 */
export function assetClaims(
  history: LedgerHistory,
  events: Iterable<CustodyEvent>,
  { uncovered }: Pick<FundAccounts, "uncovered">,
): AssetClaims[] {
  const assets = new Map<bigint, AssetClaims>();
  const of = (asset: bigint): AssetClaims => {
    const found = assets.get(asset);
    ensure(found !== undefined, "custody.unlisted", `asset ${asset}: not listed, expected a listed asset`);
    return found;
  };
  for (const event of events) {
    const { asset } = event;
    if (event.kind === "listed") {
      const { token, unit } = event;
      assets.set(asset, { asset, token, unit, accounts: 0n, owed: 0n, uncovered: 0n, required: 0n });
    } else of(asset).owed += event.kind === "owed" ? event.amount : -event.amount;
  }
  for (const spending of history.spendings.values()) {
    // A take-over is one event for two spent notes.
    if (spending.as === "keeper") continue;
    if (spending.as === "owner") {
      const { asset, deposit, withdrawal } = spending.event;
      of(asset).accounts += deposit - withdrawal;
    } else of(CASH).accounts += spending.event.deficit + spending.event.reward;
    of(CASH).accounts -= spending.event.fee;
  }
  of(CASH).uncovered = uncovered;
  for (const claims of assets.values()) claims.required = claims.accounts + claims.owed - claims.uncovered;
  return [...assets.values()];
}
