import { Contract } from "ethers";
import { circuitIndex } from "../../contracts/statements.ts";
import type { Sql } from "../store/store.ts";
import { makeChainCheck } from "./chainCheck.ts";
import { changing, recordChanges } from "./changes.ts";
import type { EngineContext } from "./context.ts";
import { refusalIn } from "./context.ts";
import { contentOf } from "./items.ts";
import {
  among,
  CLAIMED_COLUMNS,
  type Claimed,
  type ClaimedRow,
  claimedFrom,
  type Judged,
  judge,
  recordJudged,
} from "./outcomes.ts";
import { refusalOfPayer } from "./ownMoney.ts";
import { circuitOf, signalsOn } from "./proofCheck.ts";
import { REVERTED, type Refusal } from "./refusals.ts";
import { abandon, gasOf, inFlight, send } from "./sender.ts";
import type { Item } from "./submissions.ts";

/*
 * From the queue to a transaction: items are claimed, the chain is asked about each and about all of them together, what it refuses is
 * taken out, the rest is sent.
 */

/** One item, or the two sides of a trade in the order in which they stand in the batch. */
export type Unit = readonly Claimed[];

interface FormedBatch {
  outgoing: string;
  units: Unit[];
}

/** Claims are made one after another, so that two relayers do not take items that spend the same note. */
const FORMING_LOCK = 7_301_003;

/** Most rows looked at for one batch: more than fit, since some may wait for others. */
const LOOK_AHEAD = 64;

/**
 * Claims a batch, if there are enough items or one has waited long enough. Nobody else can have the items until they are sent or the claim
 * is given up.
 */
export async function formBatch(context: EngineContext): Promise<FormedBatch | undefined> {
  const { lease, rules, sender } = context;
  return lease.fenced(async (sql) => {
    await sql.query("SELECT pg_advisory_xact_lock($1)", [FORMING_LOCK]);
    const claimable = (row: string): string => `${row}.state = 'queued' AND ${row}.outgoing IS NULL
      AND (${row}.relayer IS NULL OR ${row}.relayer = $1) AND (${row}.not_before IS NULL OR ${row}.not_before <= now())
      AND NOT EXISTS (SELECT 1 FROM submission busy WHERE busy.spends && ${row}.spends AND busy.id <> ${row}.id
        AND (busy.state = 'sent' OR (busy.state = 'queued' AND busy.outgoing IS NOT NULL)))`;
    const rows = await sql.query<ClaimedRow & { spends: string[]; rule: string | null; age: unknown }>(
      `SELECT ${CLAIMED_COLUMNS}, spends, rule, extract(epoch FROM now() - changed_at) * 1000 AS age FROM submission
       WHERE ${claimable("submission")} AND NOT EXISTS (SELECT 1 FROM submission other WHERE other.id = submission.partner
         AND other.state IN ('waiting', 'queued', 'sent') AND NOT (${claimable("other")}))
       ORDER BY received_at, id LIMIT ${LOOK_AHEAD} FOR UPDATE SKIP LOCKED`,
      [sender],
    );
    const byId = new Map(rows.map((row) => [row.id, row]));
    const spent = new Set<string>();
    const units: ClaimedRow[][] = [];
    let count = 0;
    let oldest = 0;
    for (const row of rows) {
      if (!byId.has(row.id)) continue;
      // What was in a batch that reverted goes alone: one of those items is the reason.
      const isSuspect = row.rule === REVERTED;
      if (isSuspect && units.length > 0) continue;
      const unit = [row];
      if (row.partner !== null) {
        const [partner] = byId.has(row.partner)
          ? [byId.get(row.partner) as (typeof rows)[number]]
          : await sql.query<(typeof rows)[number]>(
              `SELECT ${CLAIMED_COLUMNS}, spends, rule, 0 AS age FROM submission
               WHERE id = $2 AND ${claimable("submission")} FOR UPDATE SKIP LOCKED`,
              [sender, row.partner],
            );
        // A side whose partner is done with goes alone, to be asked about.
        if (partner !== undefined) unit.push(partner);
        else if (!(await isDone(sql, row.partner))) continue;
      }
      const spends = unit.flatMap((each) => each.spends);
      // A trade is never cut, however small batches are.
      if (count > 0 && count + unit.length > rules.batchSize) continue;
      if (spends.some((each) => spent.has(each))) continue;
      for (const each of spends) spent.add(each);
      for (const { id } of unit) byId.delete(id);
      units.push(unit);
      count += unit.length;
      oldest = Math.max(oldest, Number(row.age));
      if (isSuspect) break;
    }
    // A full batch may be one short: the next may be a trade.
    const isFull = count >= rules.batchSize - 1 && rows.length > count;
    if (count === 0 || !(isFull || count >= rules.batchSize || oldest >= rules.batchAgeMs)) return undefined;
    const [row] = await sql.query<{ id: unknown }>(
      "INSERT INTO outgoing (sender, purpose, state, items) VALUES ($1, 'batch', 'formed', $2) RETURNING id",
      [sender, count],
    );
    const outgoing = String(row?.id);
    const ids = units.flat().map(({ id }) => id);
    await sql.query("UPDATE submission SET outgoing = $1 WHERE id = ANY ($2::text[])", [outgoing, ids]);
    return { outgoing, units: units.map((unit) => unit.map(claimedFrom).toSorted(bySide)) };
  });
}

async function isDone(sql: Sql, id: string): Promise<boolean> {
  const [row] = await sql.query(
    "SELECT 1 FROM submission WHERE id = $1 AND state IN ('waiting', 'queued', 'sent')",
    [id],
  );
  return row === undefined;
}

function bySide(one: Claimed, other: Claimed): number {
  const side = ({ item }: Claimed) => (item.kind === "transition" ? Number(item.transition.signals.side) : 0);
  return side(one) - side(other);
}

/** Sends what can be sent now: forms batches until too little is queued or too much is in flight. Returns how many it sent. */
export async function sendBatches(context: EngineContext): Promise<number> {
  let sent = 0;
  while ((await inFlight(context)) < context.rules.mostInFlight) {
    const formed = await formBatch(context);
    if (formed === undefined) break;
    try {
      if (await sendFormed(context, formed)) sent++;
    } catch (error) {
      await abandon(context, formed.outgoing);
      throw error;
    }
  }
  return sent;
}

async function sendFormed(context: EngineContext, { outgoing, units }: FormedBatch): Promise<boolean> {
  const { rules, stage, store, log } = context;
  await stage("formed", { outgoing, items: units.flat().length });
  const answers = await Promise.all(units.map((unit) => ask(context, unit)));
  const judged = answers.flatMap((answer) => (Array.isArray(answer) ? answer : []));
  let kept = units.filter((_, place) => answers[place] === "good");
  let call: { data: string; gasLimit: bigint } | undefined;
  while (kept.length > 0) {
    const data = batchData(context, kept);
    const gas = await gasOf(context, data);
    if ("gasLimit" in gas) {
      call = { data, gasLimit: gas.gasLimit + transferGas(kept) };
      break;
    }
    // Each alone was good. Halves are tried until the rest goes; what is left out is tried again, at last alone.
    log.warn({ outgoing, items: kept.flat().length, ...gas.refusal }, "batch refused; looking for the item");
    if (kept.length === 1) {
      for (const claimed of kept[0] as Unit) judged.push(await judge(context, claimed, gas.refusal));
      kept = [];
      break;
    }
    kept = kept.slice(0, Math.ceil(kept.length / 2));
  }
  await stage("simulated", { outgoing, items: kept.flat().length });
  if (judged.length > 0) {
    await changing(store, async (sql) => {
      // Of what another holder claimed meanwhile nothing is said here.
      const ours = await sql.query<{ id: string }>(
        "UPDATE submission SET outgoing = NULL WHERE outgoing = $1 AND id = ANY ($2::text[]) AND state = 'queued' RETURNING id",
        [outgoing, judged.map(({ claimed }) => claimed.id)],
      );
      await recordChanges(sql, await recordJudged(sql, among(judged, ours), rules.patienceMs));
    });
    for (const { claimed, refusal, outcome } of judged)
      log.info({ submission: claimed.id, outcome, ...refusal }, "refused");
  }
  if (call === undefined) {
    await abandon(context, outgoing);
    return false;
  }
  const places = placesOf(kept);
  await send(context, outgoing, call, async (sql) => {
    const ids = places.map(({ id }) => id);
    const held = await sql.query<{ id: string }>(
      "UPDATE submission SET state = 'sent', rule = NULL, message = NULL WHERE outgoing = $1 AND state = 'queued' AND id = ANY ($2::text[]) RETURNING id",
      [outgoing, ids],
    );
    if (held.length !== ids.length) throw new Error("an item of the batch was settled meanwhile");
    await sql.query("UPDATE submission SET outgoing = NULL WHERE outgoing = $1 AND state = 'queued'", [
      outgoing,
    ]);
    await sql.query("UPDATE outgoing SET items = $2 WHERE id = $1", [outgoing, ids.length]);
    for (const { id, kind, place } of places) {
      await sql.query(
        "INSERT INTO outgoing_item (outgoing, submission, kind, place) VALUES ($1, $2, $3, $4)",
        [outgoing, id, kind, place],
      );
    }
    await recordChanges(sql, ids);
  });
  log.info({ outgoing, items: places.length }, "batch sent");
  return true;
}

/** Asks the chain about one item or trade alone: good, or who of it is refused and what that means. */
async function ask(context: EngineContext, unit: Unit): Promise<"good" | Judged[]> {
  const { deployed, sender, within } = context;
  const { state } = makeChainCheck(deployed, sender);
  const [first] = unit as [Claimed];
  // Another relayer of this database may have taken it in.
  const unwanted = unit.flatMap((claimed) => {
    const reason = refusalOfPayer(deployed, sender, claimed.item);
    return reason === undefined ? [] : [{ claimed, reason }];
  });
  if (unwanted.length > 0)
    return Promise.all(unwanted.map(({ claimed, reason }) => judge(context, claimed, reason)));
  if (unit.length === 1 && isSide(first.item)) {
    const refusal = (await within(() => state(first.item))) ?? {
      rule: "ledger.PartnerMissing",
      message: "the other side of its trade has ended",
    };
    return [await judge(context, first, refusal)];
  }
  let refusal: Refusal;
  try {
    const [method, values] = callOf(unit);
    await within(() => deployed.ledger.getFunction(method).staticCall(...values, { from: sender }));
    return "good";
  } catch (error) {
    refusal = refusalIn(error);
  }
  if (unit.length === 1) return [await judge(context, first, refusal)];
  const own = await Promise.all(
    unit.map(
      async ({ item }) => (await within(() => state(item))) ?? (await falseProof(context, item, refusal)),
    ),
  );
  const guilty = unit.flatMap((claimed, place) => {
    const reason = own[place];
    return reason === undefined ? [] : [{ claimed, reason }];
  });
  // Neither by itself: it is the money of whoever moves some, or else their being together.
  const movers = unit.filter(({ item }) => movesMoney(item));
  const suspects = movers.length > 0 ? movers : unit;
  const blamed = guilty.length > 0 ? guilty : suspects.map((claimed) => ({ claimed, reason: refusal }));
  return Promise.all(blamed.map(({ claimed, reason }) => judge(context, claimed, reason)));
}

/** Whether a side's own proof is why the two sides of a trade were refused. */
async function falseProof(
  { deployed, within }: EngineContext,
  item: Item,
  refusal: Refusal,
): Promise<Refusal | undefined> {
  if (refusal.rule !== "ledger.BatchProofRejected") return undefined;
  const verifier = new Contract(await within(() => deployed.ledger.verifier()), VERIFIER, deployed.provider);
  const signals = (await within(() => signalsOn(deployed)))(item);
  const circuit = circuitOf(item);
  const isValid = await within(() =>
    verifier.getFunction("verify").staticCall(circuitIndex(circuit), contentOf(item).proof, signals),
  );
  return isValid
    ? undefined
    : { rule: "ledger.ProofRejected", message: `circuit is ${circuitIndex(circuit)}` };
}

const VERIFIER = ["function verify(uint8 circuit, uint256[8] proof, uint256[] inputs) view returns (bool)"];

/** Gas that the ledger offers each deposit and each payout (`DEPOSIT_GAS`; `BALANCE_GAS` and `PAYOUT_GAS`): wallets and tokens may use less in an estimate. */
const DEPOSIT_GAS = 500_000n;
const WITHDRAWAL_GAS = 400_000n;

function transferGas(units: readonly Unit[]): bigint {
  return units.flat().reduce((gas, { item }) => {
    if (item.kind !== "transition") return gas;
    const { deposit, withdrawal } = item.transition.signals;
    return gas + (deposit === 0n ? 0n : DEPOSIT_GAS) + (withdrawal === 0n ? 0n : WITHDRAWAL_GAS);
  }, 0n);
}

function movesMoney(item: Item): boolean {
  return (
    item.kind === "transition" &&
    (item.transition.signals.deposit | item.transition.signals.withdrawal) !== 0n
  );
}

const isSide = (item: Item): boolean => item.kind === "transition" && item.transition.signals.tradeTag !== 0n;

const CALLS = { opening: 0, transition: 1, takeOver: 2 } as const;

/** Where each item stands among those of its kind in the batch, as `Skipped` names it. */
function placesOf(units: readonly Unit[]): { id: string; kind: number; place: number }[] {
  const next = [0, 0, 0];
  return units.flat().map(({ id, item }) => {
    const kind = CALLS[item.kind];
    return { id, kind, place: (next[kind] as number)++ };
  });
}

function callOf(unit: Unit): [method: string, values: unknown[]] {
  const items = unit.map(({ item }) => item);
  const [first] = items;
  if (first?.kind === "opening")
    return ["open", [first.opening.proof, first.opening.signals, first.opening.terms]];
  if (first?.kind === "takeOver") return ["takeOver", [first.takeOver]];
  const sides = items.flatMap((item) => (item.kind === "transition" ? [item.transition] : []));
  return sides.length === 2 ? ["submitTrade", sides] : ["submit", sides];
}

function batchData({ deployed }: EngineContext, units: readonly Unit[]): string {
  const items = units.flat().map(({ item }) => item);
  return deployed.ledger.interface.encodeFunctionData("submitBatch", [
    items.flatMap((item) => (item.kind === "opening" ? [item.opening] : [])),
    items.flatMap((item) => (item.kind === "transition" ? [item.transition] : [])),
    items.flatMap((item) => (item.kind === "takeOver" ? [item.takeOver] : [])),
  ]);
}
