import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Misuse } from "../../protocol/errors.ts";
import type { LedgerHistory } from "../../protocol/ledgerHistory.ts";
import { readJson, writeText } from "../files.ts";

/*
 * What a guard has spent and proposed, on disk before it is done. A deposit spends one note of the account, and the ledger takes each note
 * once: so however often a deposit is proven and sent again, one lands at most, and what is written down bounds what can leave the
 * owner's wallet. Nothing here is secret but the account's cash flow.
 */

const FORMAT = "solvus-guard-record";

const decimal = z
  .string()
  .regex(/^\d{1,78}$/, "expected a decimal number")
  .transform(BigInt);

const attempt = z.strictObject({
  /** Commitment of the note that this attempt makes. */
  commitment: decimal,
  /** Unix seconds of the chain after which it cannot land. */
  deadline: decimal,
  /** The relayer's name for it. */
  submission: z.string().optional(),
  /** Rule by which it was refused. */
  refused: z.string().optional(),
});

const topUp = z.strictObject({
  /** Of the note that the deposit spends. */
  nullifier: decimal,
  /** Micro-USDC from the owner's wallet. */
  amount: decimal,
  /** Unix seconds of the chain. */
  plannedAt: decimal,
  attempts: z.array(attempt),
  /** `superseded`: something else spent the note; `lapsed`: no attempt can land any more. */
  outcome: z.enum(["open", "landed", "superseded", "lapsed"]),
});

const ticket = z.strictObject({
  tag: decimal,
  /** Of the note for which it was written. */
  nullifier: decimal,
  /** Micro-USDC at the marks that it closes. */
  notional: decimal,
  plannedAt: decimal,
  deadline: decimal,
  /** Where it was written; empty for a request on the desk. */
  file: z.string(),
});

const schema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(1),
  chainId: z.int().min(1),
  ledger: z.string(),
  /** The account's public key, so that limits of one account are not spent by another. */
  ownerKey: decimal,
  topUps: z.array(topUp),
  tickets: z.array(ticket),
});

export type Attempt = z.infer<typeof attempt>;
export type TopUp = z.infer<typeof topUp>;
export type WrittenTicket = z.infer<typeof ticket>;

/** Whose record it is. */
export interface RecordName {
  chainId: bigint;
  ledger: string;
  ownerKey: bigint;
}

/** The record of one account; `save` before anything is done about a change. */
export interface GuardRecord {
  topUps: TopUp[];
  tickets: WrittenTicket[];
  /** On disk once it returns. */
  save(): void;
}

/**
 * The record in a directory, empty when there is none yet. Misuse (`file.json`, `file.format`) for one that cannot be read, and
 * (`guard.record`) for another account's: limits that cannot be known are not acted within.
 */
export function openRecord(directory: string, name: RecordName): GuardRecord {
  const file = join(directory, "guard.json");
  const read = existsSync(file) ? readJson(file, "guard's record", schema) : undefined;
  if (
    read !== undefined &&
    (BigInt(read.chainId) !== name.chainId || read.ledger !== name.ledger || read.ownerKey !== name.ownerKey)
  )
    throw new Misuse(
      "guard.record",
      `guard's record ${JSON.stringify(file)}: of another account or ledger, expected a data directory of its own`,
    );
  const record: GuardRecord = {
    topUps: read?.topUps ?? [],
    tickets: read?.tickets ?? [],
    save() {
      const { topUps, tickets } = record;
      const content = {
        format: FORMAT,
        version: 1,
        ...name,
        chainId: Number(name.chainId),
        topUps,
        tickets,
      };
      const text = JSON.stringify(
        content,
        (_, value) => (typeof value === "bigint" ? String(value) : value),
        2,
      );
      writeText(file, `${text}\n`, { secret: true });
    },
  };
  return record;
}

const DAY_SECONDS = 86_400n;
/** A block that was replaced may have been later than the one that replaces it. */
const REORGANIZATION_SECONDS = 120n;

const lastDeadline = ({ attempts, plannedAt }: TopUp): bigint =>
  attempts.reduce((last: bigint, { deadline }: Attempt) => (deadline > last ? deadline : last), plannedAt);

const cannotLand = (topUp: TopUp, now: bigint): boolean => now > lastDeadline(topUp) + REORGANIZATION_SECONDS;

/** The deposit under way, if there is one. */
export function openTopUp({ topUps }: GuardRecord): TopUp | undefined {
  return topUps.find(({ outcome }) => outcome === "open");
}

/** Whether the chain has settled what was under way; saves what it learns. `now`: Unix seconds of the chain. */
export function resolveTopUps(record: GuardRecord, history: LedgerHistory, now: bigint): TopUp[] {
  const resolved: TopUp[] = [];
  for (const topUp of record.topUps) {
    if (topUp.outcome !== "open") continue;
    const spending = history.spendings.get(topUp.nullifier);
    if (spending !== undefined) {
      const own = topUp.attempts.some(({ commitment }) => commitment === spending.commitment);
      topUp.outcome = own ? "landed" : "superseded";
    } else if (cannotLand(topUp, now)) topUp.outcome = "lapsed";
    else continue;
    resolved.push(topUp);
  }
  if (resolved.length > 0) record.save();
  return resolved;
}

/**
 * Micro-USDC that top-ups have taken or may still take. One that cannot land, because its note is spent otherwise or its time is over, counts
 * until no replaced block can change that.
 */
export function toppedUp({ topUps }: GuardRecord, now: bigint): { today: bigint; total: bigint } {
  let [today, total] = [0n, 0n];
  for (const topUp of topUps) {
    const isFree = topUp.outcome === "lapsed" || topUp.outcome === "superseded";
    if (isFree && cannotLand(topUp, now)) continue;
    total += topUp.amount;
    if (topUp.plannedAt + DAY_SECONDS > now) today += topUp.amount;
  }
  return { today, total };
}

/** Notional of the tickets of the last day, micro-USDC, whether they were used or not. */
export function proposed({ tickets }: GuardRecord, now: bigint): bigint {
  return tickets
    .filter(({ plannedAt }) => plannedAt + DAY_SECONDS > now)
    .reduce((sum, { notional }) => sum + notional, 0n);
}

/** A ticket that can still be used on the present note. */
export function liveTicket(
  { tickets }: GuardRecord,
  nullifier: bigint,
  now: bigint,
): WrittenTicket | undefined {
  return tickets.find((ticket) => ticket.nullifier === nullifier && ticket.deadline >= now);
}
