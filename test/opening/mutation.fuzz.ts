import { expect, test } from "vitest";
import { commitmentOf, emptyNote, entityOf, ownerKeyOf } from "../../protocol/note.ts";
import { accountTagOf, type OpenInput, prepareOpen } from "../../protocol/openAccount.ts";
import { committeeKeyOf, encryptOpening } from "../../protocol/openEscrow.ts";
import { buildRegistry } from "../../protocol/registryTree.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import { edited } from "../soundness/planted/edited.ts";
import { loadTemplate } from "../support/circuit.ts";
import { loadMutant } from "../support/mutant.ts";

/*
 * Each line that refuses something is taken out of its template in turn; the attack it stops must then succeed, and fail with it. So
 * no line is there for nothing, and no attack is stopped by another line than the one that is meant to.
 */
interface Mutation {
  attack: string;
  file: string;
  template: string;
  line: string;
  input: Record<string, unknown>;
}

const leaves = Array.from({ length: 16 }, (_, place) => BigInt(place + 1));
const committeeKey = committeeKeyOf(77n);
const registry = buildRegistry([{ entity: entityOf(2n), expiryEpoch: 9n }]);
const opening = prepareOpen({
  ...{
    spendSecret: 1n,
    entitySecret: 2n,
    rho: 3n,
    number: 1n,
    stateRoot: 0n,
    epoch: 9n,
    context: 5n,
    committeeKey,
  },
  registry: { root: registry.root, path: registry.path(entityOf(2n)) },
});
const forged = (changes: Partial<OpenInput>) => ({ ...opening.input, ...changes });

const rich = { ...emptyNote(ownerKeyOf(1n), entityOf(2n), 3n), cash: 10n ** 12n };
const foreignTree = new StateTree();
foreignTree.insertNode(0, leaves.with(0, accountTagOf(2n, 6n)));
const foreign = foreignTree.path(0n);

const tree = new StateTree();
tree.insertNode(0, leaves);
const insertion = tree.insertionInput(1, leaves);
// Node 0 is written, but the path is that of an empty tree.
const overwriting = { ...new StateTree().insertionInput(0, leaves.toReversed()), oldRoot: tree.root };

const member = {
  ...{ needed: 1n, entity: entityOf(2n), epoch: 9n, registryRoot: registry.root },
  ...registry.path(entityOf(2n)),
};
const lib = (name: string) => `circuits/lib/${name}.circom`;

const mutations: Mutation[] = [
  {
    attack: "an account that opens with cash",
    ...{ file: "circuits/open.circom", template: "Open", line: "empty === commitment;" },
    input: forged({
      commitment: commitmentOf(rich),
      escrow: encryptOpening(rich, commitmentOf(rich), committeeKey),
    }),
  },
  {
    attack: "an account with the number of another one",
    ...{ file: "circuits/open.circom", template: "Open", line: "tag === accountTag;" },
    input: forged({ accountTag: accountTagOf(2n, 7n) }),
  },
  {
    attack: "an escrow that the committee cannot read",
    ...{ file: "circuits/open.circom", template: "Open", line: "words === escrow;" },
    input: forged({ escrow: [1n, 2n, 3n, 4n, 5n] }),
  },
  {
    attack: "an account of an expired institution",
    ...{
      file: "circuits/open.circom",
      template: "Open",
      line: "RequireMember()(1, entity, expiryEpoch, epoch, registryLevels, registryRoot);",
    },
    input: forged({ epoch: 10n }),
  },
  {
    attack: "account 7 before account 6",
    ...{
      file: lib("accountNumber"),
      template: "AccountNumber",
      line: "(1 - first) * (root - stateRoot) === 0;",
    },
    input: { entitySecret: 2n, number: 7n, stateRoot: 1n, leaves: foreign.leaves, levels: foreign.levels },
  },
  {
    attack: "an expired member",
    ...{
      file: lib("requireMember"),
      template: "RequireMember",
      line: "enforced * (1 - membership.current) === 0;",
    },
    input: { ...member, epoch: 10n },
  },
  {
    attack: "a member of a registry of one's own",
    ...{
      file: lib("requireMember"),
      template: "RequireMember",
      line: "enforced * (membership.root - registryRoot) === 0;",
    },
    input: { ...member, registryRoot: 1n },
  },
  {
    attack: "an insertion over a written node",
    ...{ file: "circuits/insertion.circom", template: "Insertion", line: "before[8] === oldRoot;" },
    input: { ...overwriting },
  },
  {
    attack: "a new root out of nothing",
    ...{ file: "circuits/insertion.circom", template: "Insertion", line: "after[8] === newRoot;" },
    input: { ...insertion, newRoot: 1n },
  },
  {
    attack: "leaves that were never queued",
    ...{ file: "circuits/insertion.circom", template: "Insertion", line: "digest.digest === value;" },
    input: { ...tree.insertionInput(1, leaves.toReversed()), point: insertion.point, value: insertion.value },
  },
  {
    attack: "a committee key off the curve",
    ...{
      file: lib("primeOrderPoint"),
      template: "PrimeOrderPoint",
      line: "vv === u * (uu + 168698 * u + 1);",
    },
    input: { point: [1n, 2n] },
  },
];

test.for(mutations)("$attack needs only $line", async ({ file, template, line, input }) => {
  const whole = await loadTemplate(file, template);
  expect(await whole.refusedBy(input)).toBeDefined();
  const mutant = await loadMutant(file, template, line);
  expect(await mutant.refusedBy(input)).toBeUndefined();
});

test("a value at 254 bits has two decompositions without the comparison", async () => {
  const order = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
  const mutant = await loadMutant(
    lib("canonicalBits"),
    "CanonicalBits",
    "Range(62)(((-1) >> 192) - 1 - upper);",
  );
  let witness = await mutant.witness({ in: 5n });
  for (let bit = 0; bit < 254; bit++)
    witness = mutant.set(witness, `main.bits[${bit}]`, ((5n + order) >> BigInt(bit)) & 1n);
  expect(mutant.violations(witness)).toEqual([]);
});

test("without its equation a slope is the prover's choice", async () => {
  const file = lib("doubleAndAdd");
  const hint = { "signal a <-- (q[1] - p[1]) / (q[0] - p[0]);": "signal a <-- 99;" };
  const input = { p: [2n, 3n], q: [5n, 7n] };
  const whole = await loadTemplate(edited(file, hint), "DoubleAndAdd");
  expect(await whole.refusedBy(input)).toBe("DoubleAndAdd");
  const mutant = await loadTemplate(
    edited(file, { ...hint, "a * (q[0] - p[0]) === q[1] - p[1];": "" }),
    "DoubleAndAdd",
  );
  expect(await mutant.refusedBy(input)).toBeUndefined();
});
