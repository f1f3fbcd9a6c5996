import type { TradePackage } from "../../protocol/trade.ts";
import type { GuardState } from "./policy.ts";

/** How a request on the trade desk ended. */
export interface DeskOutcome {
  requestId: string;
  outcome: "landed" | "lapsed" | "ended";
  rule?: string;
}

/** The trade desk, as a guard uses it. */
export interface GuardDesk {
  /** Asks for a package that side 0 receives, for at least `worst` micro-USDC, and pursues the trade to its end. */
  ask(legs: TradePackage["legs"], worst: bigint): Promise<DeskOutcome>;
  /** Pursues what an earlier run left unfinished. */
  resume(): Promise<DeskOutcome[]>;
  /** Leaves what is under way as it is, for a later run to resume: what pursues it throws soon. */
  stop(): void;
}

/** Something that a guard did in a round, or could not do. */
export type GuardAct =
  | { kind: "topUp"; amount: bigint; transaction?: string; submission?: string }
  | { kind: "toppedUp"; amount: bigint; outcome: "landed" | "superseded" | "lapsed" }
  | { kind: "ticket"; file: string; notional: bigint; conceded: bigint; ratio: number; deadline: bigint }
  | { kind: "asked"; notional: bigint; conceded: bigint; ratio: number }
  | ({ kind: "dealt" } & DeskOutcome)
  | { kind: "cleared"; transaction: string }
  | { kind: "refused"; act: "topUp" | "ticket" | "clear"; rule: string; message: string };

/** What a guard found and did. Amounts are micro-USDC. */
export interface GuardReport {
  epoch: bigint;
  /** Of the account's present note, and whether it is in the state tree. */
  place: bigint;
  inserted: boolean;
  state: GuardState;
  equity: bigint;
  maintenance: bigint;
  ratio: number;
  /** Of falling below the margin within the horizon; undefined without a forecast. */
  probability: number | undefined;
  noForecast?: string;
  /** A liquidation flag is on it that has not lapsed. */
  flagged: boolean;
  /** The latest snapshot is too old to act on, but for deposits. */
  stale: boolean;
  /** A deposit or a request on the desk is under way. */
  pending: boolean;
  spent: { today: bigint; total: bigint };
  acts: GuardAct[];
}
