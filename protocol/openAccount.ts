import type { Point } from "./babyJubjub.ts";
import { DOMAIN, FIELD_ORDER, STATE_NODE_LEAVES, STATE_TREE_ARITY, STATE_TREE_LEVELS } from "./constants.ts";
import { ensure } from "./errors.ts";
import { commitmentOf, emptyNote, entityOf, type Note, ownerKeyOf } from "./note.ts";
import { encryptOpening } from "./openEscrow.ts";
import { poseidon } from "./poseidon.ts";
import {
  EXPIRY_BOUND,
  NO_REGISTRY_PATH,
  OPEN_REGISTRY,
  type RegistryPath,
  registryPathRoot,
} from "./registryTree.ts";
import { type StatePath, statePathRoot } from "./stateTree.ts";

/** An institution numbers its accounts 1, 2, 3, …, at most 2^32. */
export const ACCOUNT_NUMBER_BOUND = 1n << 32n;

/** What opening an account takes. */
export interface OpenRequest {
  /** Secret that spends from this account; one per account, not 0. */
  spendSecret: bigint;
  /** Secret behind the institution's entity, not 0. */
  entitySecret: bigint;
  /** The account's first viewing secret: any unpredictable field element. */
  rho: bigint;
  /** The account's number: the first one is 1, each next one continues. */
  number: bigint;
  /** A root of the ledger's state tree; under it, for number > 1, the path of the tag of account number − 1. */
  stateRoot: bigint;
  previousTagPath?: StatePath;
  /** The registry's root and the entity's path; left out when the registry is open. */
  registry?: { root: bigint; path: RegistryPath };
  epoch: bigint;
  committeeKey: Point;
  /** Binds chain, ledger, relayer and deadline; a field element. */
  context: bigint;
}

/** Inputs of the circuit `open`, by signal name. */
export interface OpenInput {
  stateRoot: bigint;
  registryRoot: bigint;
  epoch: bigint;
  commitment: bigint;
  accountTag: bigint;
  escrow: bigint[];
  committeeKey: bigint[];
  context: bigint;
  spendSecret: bigint;
  entitySecret: bigint;
  rho: bigint;
  number: bigint;
  previousLeaves: bigint[];
  previousLevels: bigint[][];
  expiryEpoch: bigint;
  registryLevels: bigint[][];
}

/** The tag that `open` queues beside the commitment: it says that the institution has an n-th account, and not which one it is. */
export function accountTagOf(entitySecret: bigint, number: bigint): bigint {
  return poseidon(DOMAIN.count, [entitySecret, number]);
}

const zeros = (count: number): bigint[] => Array.from({ length: count }, () => 0n);

/**
 * Prepares the proof that opens an empty account: the circuit's inputs, its 13 public signals in order, and the account's first note.
 * Throws a SolvusError for what the circuit would refuse: `open.secret`, `open.field`, `open.number`, `open.previousTag`, `open.epoch`,
 * `open.member`, `openEscrow.*`.
 */
export function prepareOpen(request: OpenRequest): { input: OpenInput; signals: bigint[]; note: Note } {
  const {
    spendSecret,
    entitySecret,
    rho,
    number,
    stateRoot,
    previousTagPath,
    registry,
    epoch,
    committeeKey,
    context,
  } = request;
  for (const [name, secret] of Object.entries({ spendSecret, entitySecret })) {
    ensure(
      secret > 0n && secret < FIELD_ORDER,
      "open.secret",
      `${name}: out of range, expected a field element other than 0`,
    );
  }
  ensure(rho >= 0n && rho < FIELD_ORDER, "open.secret", "rho: out of range, expected a field element");
  for (const [name, value] of Object.entries({ stateRoot, context })) {
    ensure(
      value >= 0n && value < FIELD_ORDER,
      "open.field",
      `${name}: got ${value}, expected a field element`,
    );
  }
  ensure(epoch >= 0n && epoch < EXPIRY_BOUND, "open.epoch", `epoch: got ${epoch}, expected 0 to 2^32 - 1`);

  const note = emptyNote(ownerKeyOf(spendSecret), entityOf(entitySecret), rho);
  const commitment = commitmentOf(note);
  checkNumber(request);
  checkMembership(note.entity, request);

  const listing = registry?.path ?? NO_REGISTRY_PATH;
  const input: OpenInput = {
    stateRoot,
    registryRoot: registry?.root ?? OPEN_REGISTRY,
    epoch,
    commitment,
    accountTag: accountTagOf(entitySecret, number),
    escrow: encryptOpening(note, commitment, committeeKey),
    committeeKey: [...committeeKey],
    context,
    spendSecret,
    entitySecret,
    rho,
    number,
    previousLeaves: previousTagPath?.leaves ?? zeros(STATE_NODE_LEAVES),
    previousLevels:
      previousTagPath?.levels ?? Array.from({ length: STATE_TREE_LEVELS }, () => zeros(STATE_TREE_ARITY)),
    expiryEpoch: listing.expiryEpoch,
    registryLevels: listing.levels,
  };
  const { registryRoot, accountTag, escrow } = input;
  const signals = [
    stateRoot,
    registryRoot,
    epoch,
    commitment,
    accountTag,
    ...escrow,
    ...committeeKey,
    context,
  ];
  return { input, signals, note };
}

function checkNumber({ entitySecret, number, stateRoot, previousTagPath }: OpenRequest): void {
  ensure(
    number >= 1n && number <= ACCOUNT_NUMBER_BOUND,
    "open.number",
    `account number: got ${number}, expected 1 to 2^32`,
  );
  if (number === 1n) return;
  ensure(
    previousTagPath !== undefined,
    "open.previousTag",
    `account ${number}: no path given, expected that of the tag of account ${number - 1n}`,
  );
  ensure(
    statePathRoot(accountTagOf(entitySecret, number - 1n), previousTagPath) === stateRoot,
    "open.previousTag",
    `account ${number}: the tag of account ${number - 1n} is not under state root ${stateRoot}, expected it there`,
  );
}

function checkMembership(entity: bigint, { registry, epoch }: OpenRequest): void {
  if (registry === undefined) return;
  const { expiryEpoch } = registry.path;
  ensure(
    registryPathRoot(entity, registry.path) === registry.root,
    "open.member",
    `entity ${entity}: its path does not lead to registry root ${registry.root}, expected a listed entity`,
  );
  ensure(
    epoch <= expiryEpoch,
    "open.member",
    `entity ${entity}: listed until epoch ${expiryEpoch}, expected at least ${epoch}`,
  );
}
