import { getBytes, Interface, type Log } from "ethers";
import type { AuctionEvent } from "../protocol/auctionEvents.ts";
import type { CustodyEvent } from "../protocol/custodyHistory.ts";
import type { FundEvent } from "../protocol/fundHistory.ts";
import type { LedgerEvent } from "../protocol/ledgerHistory.ts";
import type { PostedSnapshot } from "../protocol/postedSnapshot.ts";

/*
 * The parts of the contracts' interfaces that readers of a chain need, and their events as plain data.
 */

export const LEDGER_READER = new Interface([
  "event Sealed(uint256 indexed nodeIndex)",
  "event Inserted(uint256 indexed nodeIndex, uint256 root)",
  "event Opened(uint256 indexed commitment, uint256 indexed accountTag, uint256 leafIndex, uint256[5] escrow)",
  "event Transitioned(uint256 indexed nullifier, uint256 indexed commitment, uint256 leafIndex, uint256 snapshotRoot, uint256 mode, uint256 asset, uint256 deposit, uint256 withdrawal, uint256 fee, uint256 tradeTag, uint256[2] escrow)",
  "event TakenOver(uint256 indexed targetNullifier, uint256 indexed keeperNullifier, uint256 targetLeafIndex, uint256 targetCommitment, uint256 keeperCommitment, uint256 leafIndex, uint256 snapshotRoot, uint256 rate, uint256 deficit, uint256 reward, uint256 uncovered, bool cured, uint256 fee, uint256[4] targetEscrow, uint256[6] keeperEscrow)",
  "function oracle() view returns (address)",
  "function auction() view returns (address)",
  "function fund() view returns (address)",
  "function keyHash(uint8 circuit) view returns (bytes32)",
  "function committeeKey() view returns (uint256 x, uint256 y)",
]);

/** What the ledger says of the tokens it holds, beside its accounts' events. */
export const CUSTODY_READER = new Interface([
  "event AssetListed(uint256 indexed asset, address indexed token, uint96 unit)",
  "event Owed(uint256 indexed asset, address indexed account, uint256 amount)",
  "event Collected(uint256 indexed asset, address indexed account, uint256 amount)",
]);

export const ORACLE_READER = new Interface([
  "event SnapshotPosted(uint64 indexed epoch, uint64 time, uint256 snapshotRoot, bool steady, bytes32 inputsHash, bytes inputs, uint64[] priceKeys, uint64[] prices)",
  "function epochOf(uint256 snapshotRoot) view returns (uint64)",
]);

export const AUCTION_READER = new Interface([
  "event Flagged(uint256 indexed leafIndex, uint256 indexed nullifier, uint256 epoch, uint256 firstEpoch, uint256 clockStart)",
  "event Cleared(uint256 indexed leafIndex, uint256 indexed nullifier, uint256 epoch)",
  "event Revealed(uint256 indexed leafIndex, uint256 indexed nullifier, uint256[24] words)",
  "event FlagMoved(uint256 indexed leafIndex, uint256 indexed newLeafIndex, bool cured)",
]);

export const FUND_READER = new Interface([
  "event Deposited(address indexed from, uint256 amount, uint256 toDeficit, uint256 toClaims)",
  "event TakeOverPaid(uint256 indexed epoch, uint256 covered, uint256 uncoveredPart, uint256 reward)",
  "event ClaimAdded(address indexed account, uint256 amount)",
  "event RecoveryCollected(address indexed account, uint256 amount)",
  "event Released(address indexed to, uint256 amount)",
]);

type Parsed = NonNullable<ReturnType<Interface["parseLog"]>>;

/** An event of the ledger about its accounts and its queue; undefined for another one. */
export function decodeLedgerEvent(log: Log): LedgerEvent | undefined {
  const parsed = LEDGER_READER.parseLog(log);
  if (parsed === null) return undefined;
  const { args } = parsed;
  switch (parsed.name) {
    case "Sealed":
      return { kind: "sealed", nodeIndex: args.nodeIndex };
    case "Inserted":
      return { kind: "inserted", nodeIndex: args.nodeIndex, root: args.root };
    case "Opened": {
      const { commitment, accountTag, leafIndex } = args;
      return { kind: "opened", commitment, accountTag, leafIndex, escrow: [...args.escrow] };
    }
    case "TakenOver":
      return {
        kind: "takenOver",
        targetNullifier: args.targetNullifier,
        keeperNullifier: args.keeperNullifier,
        targetLeafIndex: args.targetLeafIndex,
        targetCommitment: args.targetCommitment,
        keeperCommitment: args.keeperCommitment,
        leafIndex: args.leafIndex,
        snapshotRoot: args.snapshotRoot,
        rate: args.rate,
        deficit: args.deficit,
        reward: args.reward,
        uncovered: args.uncovered,
        cured: args.cured,
        fee: args.fee,
        targetEscrow: [...args.targetEscrow],
        keeperEscrow: [...args.keeperEscrow],
      };
    default:
      return {
        kind: "transitioned",
        nullifier: args.nullifier,
        commitment: args.commitment,
        leafIndex: args.leafIndex,
        snapshotRoot: args.snapshotRoot,
        mode: args.mode,
        asset: args.asset,
        deposit: args.deposit,
        withdrawal: args.withdrawal,
        fee: args.fee,
        tradeTag: args.tradeTag,
        escrow: [args.escrow[0], args.escrow[1]],
      };
  }
}

/** An event of the ledger about the tokens it holds; undefined for another one. */
export function decodeCustodyEvent(log: Log): CustodyEvent | undefined {
  const parsed = CUSTODY_READER.parseLog(log);
  if (parsed === null) return undefined;
  const { args } = parsed;
  if (parsed.name === "AssetListed") {
    return { kind: "listed", asset: args.asset, token: args.token, unit: args.unit };
  }
  return {
    kind: parsed.name === "Owed" ? "owed" : "collected",
    asset: args.asset,
    amount: args.amount,
  };
}

export function decodeAuctionEvent(log: Log): AuctionEvent | undefined {
  const parsed = AUCTION_READER.parseLog(log);
  if (parsed === null) return undefined;
  const { leafIndex, nullifier, epoch, firstEpoch, clockStart, newLeafIndex, cured, words } = parsed.args;
  switch (parsed.name) {
    case "Flagged":
      return { kind: "flagged", leafIndex, nullifier, epoch, firstEpoch, clockStart };
    case "Cleared":
      return { kind: "cleared", leafIndex, nullifier, epoch };
    case "Revealed":
      return { kind: "revealed", leafIndex, nullifier, words: [...words] };
    default:
      return { kind: "flagMoved", leafIndex, newLeafIndex, cured };
  }
}

export function decodeFundEvent(log: Log): FundEvent | undefined {
  const parsed = FUND_READER.parseLog(log);
  if (parsed === null) return undefined;
  const { amount, toDeficit, toClaims, covered, uncoveredPart, reward } = parsed.args;
  switch (parsed.name) {
    case "Deposited":
      return { kind: "deposited", amount, toDeficit, toClaims };
    case "TakeOverPaid":
      return { kind: "takeOverPaid", covered, uncoveredPart, reward };
    case "ClaimAdded":
      return { kind: "claimAdded", amount };
    case "RecoveryCollected":
      return { kind: "recoveryCollected", amount };
    default:
      return { kind: "released", amount };
  }
}

export function decodeSnapshot(log: Log): PostedSnapshot {
  const { args } = ORACLE_READER.parseLog(log) as Parsed;
  return {
    epoch: args.epoch,
    time: args.time,
    root: args.snapshotRoot,
    steady: args.steady,
    inputsHash: args.inputsHash,
    inputs: getBytes(args.inputs),
    keys: [...args.priceKeys],
    prices: [...args.prices],
    block: log.blockNumber,
  };
}
