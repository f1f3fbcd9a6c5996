import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { boundedLabel } from "../labels.ts";
import type { ActKind } from "./acts.ts";
import type { KeeperStatus } from "./status.ts";

/** A keeper's figures for Prometheus. */
export interface KeeperMetrics {
  observe(status: KeeperStatus): void;
  /** An act that came to its end: `done`, or the rule that stood in its way. */
  count(act: ActKind | "recordImpairment", outcome: string): void;
  proved(act: ActKind, seconds: number): void;
  /** Micro-USDC of a take-over that is on the chain or with a relayer. */
  earned(profit: bigint): void;
  /** A round that failed: the endpoint, mostly. */
  failed(): void;
}

const MICRO = 1e6;

export function keeperMetrics(registry: Registry): KeeperMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({ name: `solvus_keeper_${name}`, help, registers });
  const block = gauge("block", "Block up to which the chain was followed");
  const epoch = gauge("epoch", "Epoch of the latest snapshot");
  const stale = gauge("snapshot_stale", "1 while the latest snapshot is too old to prove anything on");
  const accounts = new Gauge({
    name: "solvus_keeper_accounts",
    help: "Accounts that the keeper reads, by state",
    labelNames: ["state"],
    registers,
  });
  const inventory = gauge("margin_inventory_usd", "Maintenance margin that the keeper's own accounts carry");
  const free = gauge("free_accounts", "Own accounts that a take-over may use now");
  const pending = gauge("pending_take_overs", "Take-overs that the relayer has and the chain has not");
  const likeliest = gauge(
    "likeliest_breach",
    "Highest probability that an account which meets its margin does not within the horizon",
  );
  const evaluation = gauge(
    "evaluation_seconds",
    "Duration of the last evaluation of all accounts, with the snapshot's recomputation",
  );
  const acts = new Counter({
    name: "solvus_keeper_acts_total",
    help: "Flags, renewals, reveals, take-overs and impairments recorded, by outcome: done, or the rule that stood in the way",
    labelNames: ["act", "outcome"],
    registers,
  });
  const proving = new Histogram({
    name: "solvus_keeper_proof_seconds",
    help: "Duration of proofs",
    labelNames: ["act"],
    buckets: [0.5, 1, 2, 3, 5, 8, 13, 21],
    registers,
  });
  const profit = new Counter({
    name: "solvus_keeper_profit_usd_total",
    help: "What targets and fund paid for take-overs that were submitted, less fee and gas; losses are not in it",
    registers,
  });
  const failures = new Counter({
    name: "solvus_keeper_failed_rounds_total",
    help: "Rounds that ended with an error of endpoint or relayer",
    registers,
  });
  // Contracts and relayer name the rules by which they refuse.
  const outcomeOf = boundedLabel(200);
  return {
    observe(status) {
      block.set(status.block);
      epoch.set(status.epoch);
      stale.set(status.stale ? 1 : 0);
      const { below, flagged, revealed, unreadable } = status;
      for (const [state, count] of Object.entries({
        all: status.accounts,
        below,
        flagged,
        revealed,
        unreadable,
      }))
        accounts.set({ state }, count);
      inventory.set(Number(status.marginInventoryMicroUsdc) / MICRO);
      free.set(status.own.filter(({ isFree }) => isFree).length);
      pending.set(status.pending);
      likeliest.set(status.endangered[0]?.probability ?? 0);
      evaluation.set(status.evaluationSeconds);
    },
    count: (act, outcome) => acts.inc({ act, outcome: outcomeOf(outcome) }),
    proved: (act, seconds) => proving.observe({ act }, seconds),
    earned: (amount) => profit.inc(Math.max(0, Number(amount) / MICRO)),
    failed: () => failures.inc(),
  };
}
