import { afterAll, beforeAll, expect, test } from "vitest";
import { NOBODY, proofContext } from "../../contracts/signing.ts";
import { circuitIndex } from "../../contracts/statements.ts";
import { prepareOpen } from "../../protocol/openAccount.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import { createProver, type Prover } from "../../prover/prover.ts";
import { insertionStatement, openStatement } from "../../prover/statements.ts";
import {
  COMMITTEE_KEY,
  expectRefusal,
  type LedgerFixture,
  ledgerFixture,
  randomElement,
} from "../support/ledgerFixture.ts";

let fixture: LedgerFixture;
let prover: Prover;

beforeAll(async () => {
  fixture = await ledgerFixture({ verifier: "generated" });
  prover = createProver();
});

afterAll(async () => {
  await prover?.close();
});

test("an account opened and inserted with proofs of the real circuits, singly and as a batch, and neither proof at the other's entry", async () => {
  const { ledger, addresses, chainId } = fixture;
  const terms = {
    payer: NOBODY,
    recipient: NOBODY,
    relayer: NOBODY,
    deadline: (await fixture.now()) + 3600n,
  };
  const opening = prepareOpen({
    spendSecret: randomElement(),
    entitySecret: randomElement(),
    rho: randomElement(),
    number: 1n,
    stateRoot: await ledger.stateRoot(),
    epoch: 1n,
    committeeKey: [...COMMITTEE_KEY],
    context: proofContext(chainId, addresses.ledger, terms),
  });
  const { proof } = await prover.prove(openStatement(opening));
  const { stateRoot, registryRoot, epoch, commitment, accountTag, escrow } = opening.input;
  const signals = { stateRoot, registryRoot, epoch, commitment, accountTag, escrow };
  const later = { ...terms, deadline: terms.deadline + 1n };
  await expectRefusal(ledger.open([...proof], signals, later), ledger, "ProofRejected", [0n]);
  await ledger.open([...proof], signals, terms);

  await fixture.advance(30);
  await ledger.seal();
  const tree = new StateTree();
  const leaves = [commitment, accountTag, ...Array<bigint>(14).fill(0n)];
  const insertion = tree.insertionInput(0, leaves);
  const inserted = await prover.prove(insertionStatement(insertion));
  const { newRoot } = insertion;
  await expectRefusal(ledger.insert(0n, leaves, newRoot, [...proof]), ledger, "ProofRejected", [
    circuitIndex("insertion"),
  ]);
  const words = (swapped: boolean): bigint[] => [
    circuitIndex("open"),
    ...(swapped ? inserted.proof : proof),
    ...openStatement(opening).publicSignals,
    circuitIndex("insertion"),
    ...(swapped ? proof : inserted.proof),
    ...insertionStatement(insertion).publicSignals,
  ];
  expect(await fixture.verifier.verifyBatch(words(false))).toBe(true);
  expect(await fixture.verifier.verifyBatch(words(true))).toBe(false);
  await ledger.insert(0n, leaves, newRoot, [...inserted.proof]);
  tree.insertNode(0, leaves);
  expect(await ledger.stateRoot()).toBe(tree.root);
});
