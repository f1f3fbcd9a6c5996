import fc from "fast-check";
import { NEUTRAL, type Point } from "../../protocol/babyJubjub.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { commitmentOf, emptyNote, entityOf, type Note } from "../../protocol/note.ts";
import {
  ACCOUNT_NUMBER_BOUND,
  accountTagOf,
  type OpenInput,
  type OpenRequest,
  prepareOpen,
} from "../../protocol/openAccount.ts";
import { committeeKeyOf, decryptOpening, encryptOpening } from "../../protocol/openEscrow.ts";
import { buildRegistry } from "../../protocol/registryTree.ts";
import { verdictOf } from "../support/rule.ts";
import { stateWith } from "./ledgerState.ts";
import { amount } from "./markets.ts";
import { readable } from "./readable.ts";
import type { RulesCircuit } from "./rulesCircuit.ts";
import type { Tally } from "./tally.ts";

/** Somebody who opens an account, with what may be wrong about it. */
export interface OpeningCase {
  spendSecret: bigint;
  entitySecret: bigint;
  rho: bigint;
  number: bigint;
  /** Whose tag is in the state tree: that of the account before, of another number, of another institution. */
  predecessor: "there" | "another number" | "another institution";
  predecessorAt: bigint;
  registry: "open" | "listed" | "expired" | "another's listing";
  epoch: bigint;
  key: "committee's" | "of order 1" | "of order 2" | "off the curve";
  context: bigint;
  lie: number;
}

const element = fc.oneof(
  { weight: 8, arbitrary: fc.bigInt({ min: 1n, max: FIELD_ORDER - 1n }) },
  { weight: 1, arbitrary: fc.constantFrom(1n, FIELD_ORDER - 1n) },
);
const COMMITTEE_SECRET = 987_654_321n;
const EPOCH_BOUND = 1n << 32n;

/** Openings of first and later accounts, by members and others. */
export const openingCases: fc.Arbitrary<OpeningCase> = fc
  .record({
    spendSecret: element,
    entitySecret: element,
    rho: element,
    number: fc.oneof(
      { weight: 4, arbitrary: fc.constant(1n) },
      { weight: 8, arbitrary: fc.bigInt({ min: 2n, max: 300n }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(0n, ACCOUNT_NUMBER_BOUND, ACCOUNT_NUMBER_BOUND + 1n, FIELD_ORDER - 1n),
      },
    ),
    predecessor: fc.oneof(
      { weight: 8, arbitrary: fc.constant("there" as const) },
      { weight: 1, arbitrary: fc.constantFrom("another number" as const, "another institution" as const) },
    ),
    predecessorAt: amount(1n << 28n, 100n),
    registry: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom("open" as const, "listed" as const) },
      { weight: 1, arbitrary: fc.constantFrom("expired" as const, "another's listing" as const) },
    ),
    epoch: fc.oneof(
      { weight: 12, arbitrary: fc.bigInt({ min: 0n, max: 1_000n }) },
      { weight: 1, arbitrary: fc.constantFrom(EPOCH_BOUND - 1n, EPOCH_BOUND) },
    ),
    key: fc.oneof(
      { weight: 12, arbitrary: fc.constant("committee's" as const) },
      {
        weight: 1,
        arbitrary: fc.constantFrom("of order 1" as const, "of order 2" as const, "off the curve" as const),
      },
    ),
    context: element,
    lie: fc.nat({ max: 59 }),
  })
  .map((parts) => {
    // At epoch 0 nothing has expired yet.
    const registry = parts.registry === "expired" && parts.epoch === 0n ? "listed" : parts.registry;
    const found: OpeningCase = { ...parts, registry };
    const print = (): string =>
      readable({
        opens: [
          `account ${found.number}, predecessor: ${found.predecessor} at leaf ${found.predecessorAt}`,
          `registry: ${found.registry} at epoch ${found.epoch}; key: ${found.key}`,
        ],
        secrets: `spend ${found.spendSecret}, entity ${found.entitySecret}, rho ${found.rho}, context ${found.context}`,
      });
    return Object.defineProperty(found, fc.toStringMethod, { value: print, enumerable: false });
  });

/** For each rule of the model, where the circuit refuses what breaches it and nothing else. */
export const OPENING_PLACES: Record<string, RegExp> = {
  "open.number": /AccountNumber: .*Range/,
  "open.previousTag": /AccountNumber: (signal root|\(1 - first\) \* \(root - stateRoot\) === 0)/,
  "open.epoch": /RegistryMembership: signal (epochBits|ahead)/,
  "open.member": /^Open: RequireMember/,
  "openEscrow.committeeKey": /EscrowToCommittee: /,
};

const KEYS: Record<OpeningCase["key"], Point> = {
  "committee's": committeeKeyOf(COMMITTEE_SECRET),
  "of order 1": NEUTRAL,
  "of order 2": [0n, FIELD_ORDER - 1n],
  "off the curve": [5n, 7n],
};

interface Asked {
  verdict: string;
  input: OpenInput;
  note: Note;
}

/** The model's verdict, and the circuit's inputs: the model's own, or those of an honest opening with what is wrong put in. */
function askedOf(found: OpeningCase): Asked {
  const { spendSecret, entitySecret, rho, number, predecessor, predecessorAt, epoch, context } = found;
  const entity = entityOf(entitySecret);
  const tags: Record<OpeningCase["predecessor"], bigint> = {
    there: accountTagOf(entitySecret, number - 1n),
    "another number": accountTagOf(entitySecret, number),
    "another institution": accountTagOf(entitySecret + 1n, number - 1n),
  };
  const state = stateWith(new Map([[predecessorAt, tags[predecessor]]]));
  const path = state.path(predecessorAt);
  const expiryEpoch = found.registry === "expired" ? epoch - 1n : epoch;
  const listing = { entity: found.registry === "another's listing" ? 5n : entity, expiryEpoch };
  const isOpen = found.registry === "open" || expiryEpoch >= EPOCH_BOUND;
  const listed = isOpen ? undefined : buildRegistry([listing]);
  const request: OpenRequest = {
    spendSecret,
    entitySecret,
    rho,
    number,
    stateRoot: state.root,
    previousTagPath: path,
    registry: listed && { root: listed.root, path: listed.path(listing.entity) },
    epoch,
    committeeKey: KEYS[found.key],
    context,
  };
  const verdict = verdictOf(() => prepareOpen(request));
  if (verdict === "accepted") {
    const { input, note } = prepareOpen(request);
    return { verdict, input, note };
  }
  const honest = prepareOpen({
    ...request,
    number: 1n,
    registry: undefined,
    epoch: 0n,
    committeeKey: KEYS["committee's"],
  });
  return {
    verdict:
      verdict === "registry.path"
        ? "open.member"
        : verdict === "stateTree.path"
          ? "open.previousTag"
          : verdict,
    note: honest.note,
    input: {
      ...honest.input,
      number,
      accountTag: accountTagOf(entitySecret, number),
      epoch,
      committeeKey: [...KEYS[found.key]],
      ...(request.registry && {
        registryRoot: request.registry.root,
        expiryEpoch: request.registry.path.expiryEpoch,
        registryLevels: request.registry.path.levels,
      }),
    },
  };
}

/** What the documentation of `open` forbids of the case. */
function breachesOf({ number, predecessor, registry, epoch, key }: OpeningCase): string[] {
  const rules: Record<string, boolean> = {
    "open.number": number >= 1n && number <= 2n ** 32n,
    "open.previousTag": number === 1n || predecessor === "there",
    "open.epoch": epoch < 2n ** 32n,
    "open.member": registry === "open" || registry === "listed" || epoch > 2n ** 32n,
    "openEscrow.committeeKey": key === "committee's",
  };
  return Object.keys(rules).filter((rule) => rules[rule] === false);
}

/** Puts one opening before model, documentation and circuit, then a lie of the same case before the circuit. */
export function expectOpeningAgreement(found: OpeningCase, circuit: RulesCircuit, tally: Tally): void {
  const { lie } = found;
  const { verdict, input, note } = askedOf(found);
  const refusal = circuit.refusedAt({ ...input });
  tally.expect(verdict, breachesOf(found), refusal, OPENING_PLACES);
  if (refusal !== undefined) return;

  if (circuit.publicSignals({ ...input })[3] !== commitmentOf(note)) throw new Error("public signals differ");
  const opened = decryptOpening(input.escrow, input.commitment, COMMITTEE_SECRET);
  if (opened.rho !== note.rho || opened.ownerKey !== note.ownerKey || opened.entity !== note.entity)
    throw new Error("the committee reads another account");

  // An account with something in it, another owner, another number, another plaintext for the committee.
  const committed = (other: Note): Partial<OpenInput> => {
    const commitment = commitmentOf(other);
    return { commitment, escrow: encryptOpening(other, commitment, KEYS["committee's"]) };
  };
  const lies: Partial<OpenInput>[] = [
    committed({ ...note, cash: 1n }),
    committed({ ...note, legs: note.legs.with(lie % 20, { id: 11n, size: 1n, fundingIndex: 0n }) }),
    committed(emptyNote(note.ownerKey + 1n, note.entity, note.rho)),
    committed(emptyNote(note.ownerKey, note.entity + 1n, note.rho)),
    // The next number, unless its predecessor is there.
    found.predecessor === "another number"
      ? { accountTag: 0n }
      : { number: input.number + 1n, accountTag: accountTagOf(found.entitySecret, input.number + 1n) },
    { accountTag: input.accountTag + 1n },
    { escrow: input.escrow.with(lie % 5, (input.escrow[lie % 5] as bigint) + 1n) },
    { committeeKey: [...committeeKeyOf(5n)] },
  ];
  if (circuit.refusedAt({ ...input, ...lies[lie % lies.length] }) === undefined)
    throw new Error(`lie ${lie} is believed`);
}
