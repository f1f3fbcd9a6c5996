import { advanceLedger, latestSnapshot } from "../../protocol/chain.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { type Standing, standingOf } from "../../protocol/solvency.ts";
import type { Account } from "../../prover/account.ts";
import { chainTime } from "../../services/chain/deployment.ts";
import { presentAccount } from "../up/owner.ts";
import type { Stage } from "./acts.ts";
import type { Person } from "./cast.ts";
import type { StateCounts } from "./summary.ts";

/** A person's account at a look. */
export interface Seen {
  person: Person;
  account: Account;
  standing: Standing;
  isBelow: boolean;
  isFlagged: boolean;
  state: keyof StateCounts;
}

/** All accounts at one time. */
export interface Look {
  /** Milliseconds since 1970, by the chain's clock. */
  time: number;
  snapshot: MarketSnapshot;
  seen: Seen[];
  counts: StateCounts;
  /** Micro-USDC. */
  fund: bigint;
  /** Whether the fund is below its floor, so that risk may only be reduced. */
  isReduceOnly: boolean;
}

/** Looks at all accounts that are open, each as its owner sees it. */
export async function look({ local }: Stage, people: readonly Person[]): Promise<Look> {
  const { setting } = local;
  const { deployed } = setting;
  const { auction, chain, fund } = deployed;
  const snapshot = await latestSnapshot(chain);
  await advanceLedger(chain, setting.view);
  const counts: StateCounts = { healthy: 0, below: 0, flagged: 0, bankrupt: 0 };
  const seen: Seen[] = [];
  for (const person of people) {
    const account = await presentAccount(setting, person);
    const standing = standingOf(account.note, snapshot);
    const isBelow = standing.equity < standing.margin.maintenance;
    const isFlagged = ((await auction.permittedRate(account.leafIndex)) as bigint) > 0n;
    const state = standing.equity < 0n ? "bankrupt" : isFlagged ? "flagged" : isBelow ? "below" : "healthy";
    counts[state]++;
    seen.push({ person, account, standing, isBelow, isFlagged, state });
  }
  const balance: bigint = await fund.balance();
  const time = (await chainTime(deployed)) * 1000;
  return {
    time,
    snapshot,
    seen,
    counts,
    fund: balance,
    isReduceOnly: balance < ((await fund.floor()) as bigint),
  };
}
