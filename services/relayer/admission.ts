import { keccak256, toUtf8Bytes } from "ethers";
import { NOBODY } from "../../contracts/signing.ts";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import type { Deployed } from "../chain/deployment.ts";
import type { Store } from "../store/store.ts";
import type { ChainCheck, Refusal } from "./chainCheck.ts";
import type { Quotes } from "./fees.ts";
import type { Gate } from "./gate.ts";
import { contentOf, formatItem, type Item } from "./items.ts";
import { refusalOfPayer } from "./ownMoney.ts";
import type { ProofCheck } from "./proofCheck.ts";
import {
  addSubmission,
  openingsSince,
  type Submission,
  spendersOf,
  submissionId,
  submissionOf,
} from "./submissions.ts";

/** What an item is admitted by. */
export interface AdmissionParts {
  store: Store;
  deployed: Deployed;
  /** Address of the relayer, checksummed. */
  relayer: string;
  quotes: Quotes;
  chain: ChainCheck;
  verify: ProofCheck;
  /** Bounds how much is checked at once. */
  gate: Gate;
  /** Most openings within an hour, of all clients: their gas is the relayer's. */
  openingsPerHour: number;
  /** Called after something new was stored. */
  onStored?(): void;
  /** Called with what was refused, by rule. */
  onRefusal?(rule: string): void;
}

/** Decides what is stored. */
export interface Admission {
  /**
   * Admits an item, or finds it admitted before (`isNew` false). Cheap checks come first: known already, terms, fee, the ledger's state, and
   * only then the proof, and the money. It is stored durably once this resolves. Throws what it is refused with: `relayer.*`, `ledger.*`,
   * `proof.invalid`; `relayer.busy`, `chain.unavailable` and `store.unavailable` mean that it may be admitted later.
   * `onTurn` is called before anything that takes long, and throws what its sender is refused with by then.
   */
  admit(item: Item, onTurn?: () => void): Promise<{ submission: Submission; isNew: boolean }>;
}

/** False proofs that are remembered, so that the same one is not verified again and again. */
const REMEMBERED = 10_000;

export function makeAdmission(parts: AdmissionParts): Admission {
  const { gate, onRefusal } = parts;
  const underWay = new Map<string, ReturnType<Admission["admit"]>>();
  const falseProofs = new Set<string>();
  let last: Promise<unknown> = Promise.resolve();
  /** Stores an item if there is still room for it: many may have been let in while there was, and each takes its place only here, in turn. */
  const store = (item: Item, absentAt: number): ReturnType<typeof addSubmission> => {
    const storing = last.then(async () => {
      const known = await submissionOf(parts.store, submissionId(item));
      if (known === undefined || mayStartAgain(known)) await requireRoom(parts, item);
      return addSubmission(parts.store, item, absentAt);
    });
    last = storing.catch(() => undefined);
    return storing;
  };

  const check = async (item: Item, digest: string): Promise<void> => {
    refuseFor(await parts.chain.state(item));
    if (falseProofs.has(digest) || !(await parts.verify(item))) {
      remember(falseProofs, digest);
      throw new SolvusError(
        "proof.invalid",
        "proof: does not show the statement for these signals and terms, expected one by the ledger's key",
      );
    }
    if (movesMoney(item)) refuseFor(await parts.chain.whole(item));
  };
  const admit = async (item: Item, digest: string, onTurn?: () => void): ReturnType<Admission["admit"]> => {
    const submission = await submissionOf(parts.store, submissionId(item));
    if (submission !== undefined && !mayStartAgain(submission)) return { submission, isNew: false };
    await checkTerms(item, parts);
    await requireRoom(parts, item);
    return gate.run(async () => {
      onTurn?.();
      const [absentAt] = await Promise.all([heightOf(parts.deployed), check(item, digest)]);
      const added = await store(item, absentAt);
      if (added.isNew) parts.onStored?.();
      return added;
    });
  };
  return {
    admit(item, onTurn) {
      // The id leaves out the proof, and so must not join an item to one with another proof.
      const digest = keccak256(toUtf8Bytes(formatItem(item)));
      const known = underWay.get(digest);
      if (known !== undefined) return known.then(({ submission }) => ({ submission, isNew: false }));
      const admitting = admit(item, digest, onTurn).finally(() => underWay.delete(digest));
      underWay.set(digest, admitting);
      admitting.catch((error) => onRefusal?.(error instanceof SolvusError ? error.rule : "http.failed"));
      return admitting;
    },
  };
}

/** What was refused or has expired may be good now: a deposit whose payer had given no allowance, say. */
const mayStartAgain = ({ state }: Submission): boolean => state === "refused" || state === "expired";

function remember(digests: Set<string>, digest: string): void {
  digests.add(digest);
  if (digests.size > REMEMBERED) digests.delete(digests.values().next().value as string);
}

/** Whether tokens move beside the fee, or the fund may have to pay: what the ledger looks at after everything else. */
function movesMoney(item: Item): boolean {
  if (item.kind === "opening") return false;
  if (item.kind === "takeOver") return true;
  const { deposit, withdrawal } = item.transition.signals;
  return deposit !== 0n || withdrawal !== 0n;
}

/**
 * Throws `relayer.terms` unless the relayer may submit the item, `relayer.payer` if the relayer's own money would be deposited, and
 * `relayer.fee` unless the fee is one that it quoted.
 */
async function checkTerms(item: Item, { deployed, relayer, quotes }: AdmissionParts): Promise<void> {
  const { terms } = contentOf(item);
  ensure(
    terms.relayer === relayer || terms.relayer === NOBODY,
    "relayer.terms",
    `terms.relayer is ${terms.relayer}, expected ${relayer}, this relayer, or nobody (${NOBODY})`,
  );
  refuseFor(refusalOfPayer(deployed, relayer, item));
  const fee = feeOf(item);
  const least = await quotes.least(item.kind);
  ensure(
    fee >= least,
    "relayer.fee",
    `signals.fee is ${fee} micro-USDC, expected at least ${least} as quoted`,
  );
}

const HOUR = 3600;

/** Most items under way that spend one note: at most one of them can ever be applied, and it costs nothing to make more. */
const SPENDERS = 16;

/** Throws `relayer.crowded` when too much is under way for the item's own note, `relayer.openings` when enough accounts were opened. */
async function requireRoom({ store, openingsPerHour }: AdmissionParts, item: Item): Promise<void> {
  if (item.kind === "opening") {
    const opened = await openingsSince(store, HOUR);
    ensure(
      opened < openingsPerHour,
      "relayer.openings",
      `openings: ${opened} within an hour, expected fewer than ${openingsPerHour}, for they pay no fee; send it yourself, or try again later`,
    );
  }
  const count = await spendersOf(store, ownOf(item));
  ensure(
    count < SPENDERS,
    "relayer.crowded",
    `note: ${count} items that spend it are under way, expected fewer than ${SPENDERS}; wait until they have ended`,
  );
}

/** What nobody but the item's maker can spend or use: his note, or his account number. */
function ownOf(item: Item): bigint {
  if (item.kind === "opening") return item.opening.signals.accountTag;
  return item.kind === "transition"
    ? item.transition.signals.nullifier
    : item.takeOver.signals.keeperNullifier;
}

async function heightOf({ provider }: Deployed): Promise<number> {
  try {
    return await provider.getBlockNumber();
  } catch {
    throw new SolvusError("chain.unavailable", "chain: its node does not answer; try again later");
  }
}

function feeOf(item: Item): bigint {
  if (item.kind === "opening") return 0n;
  return item.kind === "transition" ? item.transition.signals.fee : item.takeOver.signals.fee;
}

function refuseFor(refusal: Refusal | undefined): void {
  if (refusal !== undefined) throw new SolvusError(refusal.rule, refusal.message);
}
