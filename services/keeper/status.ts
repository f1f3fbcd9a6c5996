import { z } from "zod";
import type { AccountSecrets } from "../../prover/secrets.ts";
import { presentOf } from "./accountBook.ts";
import { inventoryOf, ownAccounts } from "./acts.ts";
import type { Outlook } from "./outlook.ts";
import type { Pending } from "./pending.ts";
import { type Endangered, ratioOf } from "./priorities.ts";
import type { Evaluated, SightedLedger } from "./sightedLedger.ts";

const decimal = z
  .string()
  .regex(/^-?\d+$/)
  .describe("decimal number");

export const statusSchema = z.object({
  /** Latest block that was followed, and its time in Unix seconds. */
  block: z.int(),
  time: z.int(),
  /** Of the latest snapshot; 0 before the first. */
  epoch: z.int(),
  /** The snapshot is too old to prove anything on: the keeper waits for the next. */
  stale: z.boolean(),
  accounts: z.int(),
  /** Below their maintenance margin; of these, flagged; of these, with published contents. */
  below: z.int(),
  flagged: z.int(),
  revealed: z.int(),
  /** Accounts whose events did not open. */
  unreadable: z.int(),
  /** Nothing is left to do at this block and epoch, and nothing is under way. */
  idle: z.boolean(),
  /** Take-overs that a relayer has and the chain has not. */
  pending: z.int(),
  own: z.array(
    z.object({ number: z.int(), place: decimal, isFree: z.boolean().describe("a take-over may use it now") }),
  ),
  marginInventoryMicroUsdc: decimal,
  /** Accounts open for a take-over that the keeper leaves, and why. */
  waiting: z.array(z.object({ place: decimal, rule: z.string() })),
  /** Accounts that meet their margin and are likeliest not to for long. */
  endangered: z.array(z.object({ place: decimal, probability: z.number() })),
  /** Of the probabilities; null when the keeper does not look ahead. */
  horizonHours: z.number().nullable(),
  /** The rule that says why there are no probabilities. */
  noForecast: z.string().nullable(),
  evaluationSeconds: z.number(),
});

/** What a keeper says about itself and all accounts together. */
export type KeeperStatus = z.infer<typeof statusSchema>;

export const standingSchema = z.object({
  place: decimal,
  state: z.enum(["healthy", "below margin", "flagged", "revealed"]),
  equityMicroUsdc: decimal,
  maintenanceMarginMicroUsdc: decimal,
  ratio: z.number().nullable(),
  inserted: z.boolean(),
});

/** What a keeper says about one account. Confidential, though without positions. */
export type AccountStanding = z.infer<typeof standingSchema>;

/** What a status is made of besides the ledger. */
export interface StatusParts {
  own: readonly AccountSecrets[];
  below: readonly Endangered[];
  pending: readonly Pending[];
  waiting: ReadonlyMap<bigint, string>;
  outlook: Pick<Outlook, "prospects" | "noForecast"> | undefined;
  horizonHours: number | undefined;
  idle: boolean;
}

export function statusOf(ledger: SightedLedger, parts: StatusParts): KeeperStatus {
  const { head, snapshot, book } = ledger;
  const { below, pending } = parts;
  const own = ownAccounts({ ledger, own: parts.own }, pending);
  return {
    block: head?.number ?? 0,
    time: Number(head?.time ?? 0n),
    epoch: Number(snapshot?.epoch ?? 0n),
    stale: ledger.isStale(),
    accounts: book.accounts.size,
    below: below.length,
    flagged: below.filter(({ flag }) => flag !== undefined).length,
    revealed: below.filter(({ isRevealed }) => isRevealed).length,
    unreadable: book.unreadable.size,
    idle: parts.idle,
    pending: pending.length,
    own: own.map(({ secrets, account, isFree }) => ({
      number: Number(secrets.number),
      place: String(presentOf(account).leafIndex),
      isFree,
    })),
    marginInventoryMicroUsdc: String(inventoryOf(ledger, own, pending)),
    waiting: [...parts.waiting].map(([place, rule]) => ({ place: String(place), rule })),
    endangered: (parts.outlook?.prospects ?? []).map(({ place, probability }) => ({
      place: String(place),
      probability,
    })),
    horizonHours: parts.horizonHours ?? null,
    noForecast: parts.outlook?.noForecast ?? null,
    evaluationSeconds: ledger.evaluationSeconds,
  };
}

/** The accounts nearest to a liquidation, or past it, first. */
export function standingsFor(ledger: SightedLedger, limit: number): AccountStanding[] {
  return ledger.evaluated
    .toSorted((one, other) => ratioOf(one) - ratioOf(other) || 0)
    .slice(0, limit)
    .map((evaluated) => standingOf(ledger, evaluated));
}

function standingOf(ledger: SightedLedger, evaluated: Evaluated): AccountStanding {
  const { account, position, standing } = evaluated;
  const ratio = ratioOf(evaluated);
  const state = ledger.flags.revealed.has(position.leafIndex)
    ? "revealed"
    : ledger.flagOf(position) !== undefined
      ? "flagged"
      : standing.equity < standing.maintenance
        ? "below margin"
        : "healthy";
  return {
    place: String(position.leafIndex),
    state,
    equityMicroUsdc: String(standing.equity),
    maintenanceMarginMicroUsdc: String(standing.maintenance),
    ratio: Number.isFinite(ratio) ? ratio : null,
    inserted: ledger.isPlaced(account),
  };
}
