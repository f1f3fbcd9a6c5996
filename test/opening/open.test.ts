import { beforeAll, describe, expect, test } from "vitest";
import { BASE8, multiply } from "../../protocol/babyJubjub.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { commitmentOf, emptyNote, entityOf, ownerKeyOf } from "../../protocol/note.ts";
import { accountTagOf, type OpenInput, type OpenRequest, prepareOpen } from "../../protocol/openAccount.ts";
import { committeeKeyOf, decryptOpening, encryptOpening } from "../../protocol/openEscrow.ts";
import { buildRegistry, NO_REGISTRY_PATH } from "../../protocol/registryTree.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import { type Circuit, loadTemplate } from "../support/circuit.ts";
import { ruleOf } from "../support/rule.ts";

const PUBLIC = [
  "stateRoot",
  "registryRoot",
  "epoch",
  "commitment",
  "accountTag",
  "escrow",
  "committeeKey",
  "context",
];
const SIGNALS = [
  ...["stateRoot", "registryRoot", "epoch", "commitment", "accountTag"],
  ...[0, 1, 2, 3, 4].map((word) => `escrow[${word}]`),
  ...["committeeKey[0]", "committeeKey[1]", "context"],
];

const committeePrivateKey = 987654321n;
const entitySecret = 4242n;
const otherSecret = 5353n;
const entity = entityOf(entitySecret);

/** Account 1 of both institutions is on the ledger, and account 2 of the other one. */
const tree = new StateTree();
const leaves = Array.from({ length: 16 }, (_, place) => BigInt(place + 1));
tree.insertNode(0, leaves.with(1, accountTagOf(entitySecret, 1n)));
tree.insertNode(1, leaves.with(14, accountTagOf(otherSecret, 1n)).with(15, accountTagOf(otherSecret, 2n)));
const registry = buildRegistry([
  { entity: entityOf(otherSecret), expiryEpoch: 1000n },
  { entity, expiryEpoch: 100n },
]);

const first: OpenRequest = {
  spendSecret: 31337n,
  entitySecret,
  rho: 2718281828n,
  number: 1n,
  stateRoot: tree.root,
  registry: { root: registry.root, path: registry.path(entity) },
  epoch: 100n,
  committeeKey: committeeKeyOf(committeePrivateKey),
  context: 55n,
};
const second: OpenRequest = { ...first, number: 2n, previousTagPath: tree.path(1n) };

let circuit: Circuit;
beforeAll(async () => {
  circuit = await loadTemplate("circuits/open.circom", "Open", [], PUBLIC);
});

/** Inputs of a request with some of them replaced, behind the back of the model. */
const forged = (request: OpenRequest, changes: Partial<OpenInput>) => ({
  ...prepareOpen(request).input,
  ...changes,
});
/** Forged inputs whose commitment and escrow fit each other, as a cheat would compute them. */
const forgedNote = (request: OpenRequest, note: ReturnType<typeof emptyNote>) => {
  const commitment = commitmentOf(note);
  return forged(request, { commitment, escrow: encryptOpening(note, commitment, request.committeeKey) });
};

describe("accepted", () => {
  test("fits its budget of 12,000 constraints", () => {
    expect(circuit.constraints).toBeLessThanOrEqual(12_000);
  });

  test("model and circuit agree on first and later accounts, members and open registries", async () => {
    const lastTree = new StateTree();
    lastTree.insertNode(2 ** 24 - 1, leaves.with(15, accountTagOf(entitySecret, 2n ** 32n - 1n)));
    const requests: OpenRequest[] = [
      first,
      second,
      { ...first, registry: undefined, epoch: 2n ** 32n - 1n },
      { ...first, stateRoot: 0n, epoch: 0n, context: 0n },
      {
        ...first,
        number: 2n ** 32n,
        stateRoot: lastTree.root,
        previousTagPath: lastTree.path(2n ** 28n - 1n),
      },
      { ...first, rho: 0n, context: FIELD_ORDER - 1n, spendSecret: FIELD_ORDER - 1n },
    ];
    for (const request of requests) {
      const { input, signals, note } = prepareOpen(request);
      const witness = await circuit.witness({ ...input });
      expect(circuit.violations(witness)).toEqual([]);
      expect(SIGNALS.map((signal) => circuit.get(witness, `main.${signal}`))).toEqual(signals);
      expect(witness.slice(1, 14)).toEqual(signals);
      expect(note.cash).toBe(0n);
      const { rho, ownerKey } = note;
      expect(decryptOpening(input.escrow, input.commitment, committeePrivateKey)).toEqual({
        rho,
        ownerKey,
        entity,
      });
    }
  });
});

describe("the account", () => {
  test("needs both secrets behind the commitment", async () => {
    expect(await circuit.refusedAt(forged(first, { spendSecret: 31338n }))).toBe("empty === commitment;");
    expect(await circuit.refusedAt(forged(first, { rho: 1n }))).toBe("empty === commitment;");
    // Somebody else's entity: the tag, the listing and the escrow would all be of the secret that is known.
    const foreign = emptyNote(ownerKeyOf(31337n), entityOf(otherSecret), first.rho);
    expect(await circuit.refusedAt(forgedNote(first, foreign))).toBe("empty === commitment;");
  });

  test("opens empty: cash or a leg in any place is refused", async () => {
    const note = prepareOpen(first).note;
    expect(await circuit.refusedAt(forgedNote(first, { ...note, cash: 1n }))).toBe("empty === commitment;");
    for (const place of [0, 10, 11, 19]) {
      const legs = note.legs.with(place, { id: 1n, size: 1n, fundingIndex: 0n });
      expect(await circuit.refusedAt(forgedNote(first, { ...note, legs })), `leg ${place}`).toBe(
        "empty === commitment;",
      );
    }
  });

  test("its commitment is the one that was hashed", async () => {
    const witness = await circuit.witness({ ...prepareOpen(first).input });
    expect(circuit.brokenBy(witness, "main.commitment", 1n).join("\n")).toContain("main.commitment");
  });
});

describe("the account's number", () => {
  const number = "Open > AccountNumber";
  const link = "Open > AccountNumber > StateMember > NodeMembershipIf";
  const renumbered = (account: bigint) => ({
    number: account,
    accountTag: accountTagOf(entitySecret, account),
  });
  const path = ({ leaves, levels }: ReturnType<StateTree["path"]>) => ({
    previousLeaves: leaves,
    previousLevels: levels,
  });

  test("starts at 1 and ends at 2^32", async () => {
    for (const account of [0n, -1n, 2n ** 32n + 1n]) {
      expect(await circuit.refusedBy(forged(first, renumbered(account)))).toBe(
        "Open > AccountNumber > Range > Num2Bits",
      );
    }
  });

  test("continues: without the tag before it in the tree it is refused", async () => {
    expect(await circuit.refusedBy(forged(first, renumbered(2n)))).toBe(link);
    // Number 3 with the path of number 1.
    expect(await circuit.refusedBy(forged(second, renumbered(3n)))).toBe(link);
    // A tree of one's own that holds tag 2.
    const own = new StateTree();
    own.insertNode(0, leaves.with(0, accountTagOf(entitySecret, 2n)));
    expect(await circuit.refusedBy(forged(second, { ...renumbered(3n), ...path(own.path(0n)) }))).toBe(
      number,
    );
  });

  test("does not continue from another institution's account", async () => {
    expect(await circuit.refusedBy(forged(second, { ...renumbered(3n), ...path(tree.path(31n)) }))).toBe(
      link,
    );
    expect(await circuit.refusedBy(forged(second, path(tree.path(30n))))).toBe(link);
  });

  test("whether it is the first is computed, not claimed", async () => {
    const witness = await circuit.witness({ ...prepareOpen(second).input });
    const firstSignals = circuit
      .signals(/AccountNumber|IsEqual|IsZero|first/)
      .filter((name) => /first|IsZero|IsEqual/.test(name));
    expect(firstSignals.length).toBeGreaterThan(0);
    for (const signal of firstSignals) {
      const broken = circuit.brokenBy(witness, signal, 1n - circuit.get(witness, signal));
      expect(broken.length, signal).toBeGreaterThan(0);
    }
  });

  test("belongs to the tag", async () => {
    expect(await circuit.refusedAt(forged(second, { accountTag: accountTagOf(entitySecret, 3n) }))).toBe(
      "tag === accountTag;",
    );
    expect(await circuit.refusedAt(forged(second, { accountTag: accountTagOf(otherSecret, 2n) }))).toBe(
      "tag === accountTag;",
    );
  });
});

describe("membership", () => {
  test("ends with its expiry epoch", async () => {
    expect(await circuit.refusedBy(forged(first, { epoch: 101n }))).toBe("Open > RequireMember");
  });

  test("needs a listing of this entity under this root", async () => {
    const link = "Open > RequireMember > RegistryMembership > NodeMembershipIf";
    const other = registry.path(entityOf(otherSecret));
    expect(
      await circuit.refusedBy(
        forged(first, { registryLevels: other.levels, expiryEpoch: other.expiryEpoch }),
      ),
    ).toBe(link);
    expect(await circuit.refusedBy(forged(first, { expiryEpoch: 101n, epoch: 101n }))).toBe(link);
    expect(await circuit.refusedBy(forged(first, { registryLevels: NO_REGISTRY_PATH.levels }))).toBe(link);
    expect(await circuit.refusedBy(forged(first, { registryRoot: 1n }))).toBe("Open > RequireMember");
  });

  test("compares an epoch below 2^32 only", async () => {
    for (const epoch of [2n ** 32n, FIELD_ORDER - 1n]) {
      expect(await circuit.refusedBy(forged(first, { epoch }))).toBe(
        "Open > RequireMember > RegistryMembership > Num2Bits",
      );
    }
  });
});

describe("escrow", () => {
  test("of another plaintext, for another key or altered is refused", async () => {
    const { note, input } = prepareOpen(first);
    for (const lie of [{ rho: 1n }, { ownerKey: 1n }, { entity: 1n }]) {
      const escrow = encryptOpening({ ...note, ...lie }, input.commitment, first.committeeKey);
      expect(await circuit.refusedAt(forged(first, { escrow })), Object.keys(lie).join()).toBe(
        "words === escrow;",
      );
    }
    const elsewhere = encryptOpening(note, input.commitment, committeeKeyOf(3n));
    expect(await circuit.refusedAt(forged(first, { escrow: elsewhere }))).toBe("words === escrow;");
    expect(await circuit.refusedAt(forged(first, { committeeKey: [...committeeKeyOf(3n)] }))).toBe(
      "words === escrow;",
    );
    for (const [word, value] of input.escrow.entries()) {
      const escrow = input.escrow.with(word, value + 1n);
      expect(await circuit.refusedAt(forged(first, { escrow })), `word ${word}`).toBe("words === escrow;");
    }
  });

  test("to a key of low order or off the curve is refused", async () => {
    for (const committeeKey of [
      [0n, 1n],
      [0n, FIELD_ORDER - 1n],
      [1n, 2n],
    ]) {
      expect(await circuit.refusedBy(forged(first, { committeeKey }))).toBe(
        "Open > EscrowToCommittee > PrimeOrderPoint",
      );
    }
  });

  test("with another ephemeral scalar is refused, be it 0 or one that gives the same key", async () => {
    const { input } = prepareOpen(first);
    for (const scalar of [0n, 1n, 2n ** 249n + 1n]) {
      const escrow = [...multiply(BASE8, scalar), ...input.escrow.slice(2)];
      expect(await circuit.refusedAt(forged(first, { escrow }))).toBe("words === escrow;");
    }
  });
});

test("every public signal is in a constraint, the context too", async () => {
  const witness = await circuit.witness({ ...prepareOpen(second).input });
  for (const signal of SIGNALS) {
    const name = `main.${signal}`;
    const broken = circuit.brokenBy(witness, name, circuit.get(witness, name) + 1n);
    expect(broken.join("\n"), signal).toContain(name);
  }
});

test("the model refuses what the circuit would, and says which rule", () => {
  const rule = (changes: Partial<OpenRequest>, request = first) =>
    ruleOf(() => prepareOpen({ ...request, ...changes }));
  expect(rule({})).toBeUndefined();
  expect(rule({ spendSecret: 0n })).toBe("open.secret");
  expect(rule({ entitySecret: FIELD_ORDER })).toBe("open.secret");
  expect(rule({ rho: FIELD_ORDER })).toBe("open.secret");
  expect(rule({ context: FIELD_ORDER })).toBe("open.field");
  expect(rule({ stateRoot: -1n })).toBe("open.field");
  expect(rule({ epoch: 2n ** 32n })).toBe("open.epoch");
  expect(rule({ number: 0n })).toBe("open.number");
  expect(rule({ number: 2n ** 32n + 1n })).toBe("open.number");
  expect(rule({ number: 2n })).toBe("open.previousTag");
  expect(rule({ stateRoot: 1n }, second)).toBe("open.previousTag");
  expect(rule({ previousTagPath: tree.path(30n) }, second)).toBe("stateTree.path");
  expect(rule({ epoch: 101n })).toBe("open.member");
  expect(rule({ registry: { root: 1n, path: registry.path(entity) } })).toBe("open.member");
  expect(rule({ registry: { root: registry.root, path: registry.path(entityOf(otherSecret)) } })).toBe(
    "registry.path",
  );
  expect(rule({ committeeKey: [0n, 1n] })).toBe("openEscrow.committeeKey");
});
