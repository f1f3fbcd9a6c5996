import { beforeEach, expect, test } from "vitest";
import { circuitIndex } from "../../contracts/statements.ts";
import { DOMAIN, FIELD_ORDER, STATE_TREE_ARITY, STATE_TREE_LEVELS } from "../../protocol/constants.ts";
import { poseidon } from "../../protocol/poseidon.ts";
import { expectRefusal, type LedgerFixture, ledgerFixture, randomElement } from "../support/ledgerFixture.ts";

let fixture: LedgerFixture;

beforeEach(async () => {
  fixture = await ledgerFixture();
});

/** Queues this many leaves, one per transition, and returns them. */
async function queueLeaves(count: number): Promise<bigint[]> {
  const leaves: bigint[] = [];
  for (let index = 0; index < count; index++) {
    const transition = await fixture.transition();
    await fixture.ledger.submit(transition);
    leaves.push(transition.signals.commitment);
  }
  return leaves;
}

test("the genesis root is the root of the empty tree", async () => {
  let root = poseidon(DOMAIN.stateLeaves, Array(16).fill(0n));
  for (let level = 0; level < STATE_TREE_LEVELS; level++) {
    root = poseidon(DOMAIN.stateNode, Array(STATE_TREE_ARITY).fill(root));
  }
  expect(await fixture.ledger.stateRoot()).toBe(root);
  expect(await fixture.ledger.isKnownRoot(root)).toBe(true);
});

test("a full node is inserted by anybody, and every root stays known", async () => {
  const { ledger, carol } = fixture;
  const genesis = await ledger.stateRoot();
  const leaves = await queueLeaves(17);
  const [index, all, newRoot, proof] = await fixture.insertion(0n, leaves.slice(0, 16));
  const receipt = await (await fixture.as(carol).insert(index, all, newRoot, proof)).wait();
  const event = ledger.interface.parseLog(receipt.logs[0]);
  expect([event!.name, ...event!.args]).toEqual(["Inserted", 0n, newRoot]);
  expect(await ledger.stateRoot()).toBe(newRoot);
  for (const root of [genesis, newRoot]) expect(await ledger.isKnownRoot(root)).toBe(true);
  const { tail, inserted } = await ledger.queue();
  expect([tail, inserted]).toEqual([17n, 1n]);
  await ledger.submit(await fixture.transition({ stateRoot: genesis }));
  await ledger.submit(await fixture.transition({ stateRoot: newRoot }));
});

test("a partial node is sealed 30 seconds after its first leaf; the next leaf starts the next node", async () => {
  const { ledger, carol } = fixture;
  await expectRefusal(ledger.seal(), ledger, "NothingToSeal", []);
  const leaves = await queueLeaves(2);
  const { openedAt } = await ledger.queue();
  await fixture.nextBlockAt(openedAt + 29n);
  await expectRefusal(ledger.seal(), ledger, "SealTooEarly", [openedAt + 30n]);
  await fixture.nextBlockAt(openedAt + 30n);
  await fixture.as(carol).seal();
  expect((await ledger.queue()).tail).toBe(16n);
  await expectRefusal(ledger.seal(), ledger, "NothingToSeal", []);
  const [next] = await queueLeaves(1);
  expect((await ledger.queue()).tail).toBe(17n);
  await ledger.insert(...(await fixture.insertion(0n, leaves)));
  const second = await ledger.queue();
  await fixture.nextBlockAt(second.openedAt + 30n);
  await ledger.seal();
  await ledger.insert(...(await fixture.insertion(1n, [next])));
  expect((await ledger.queue()).inserted).toBe(2n);
});

test("an opening may straddle two nodes", async () => {
  const { ledger } = fixture;
  const leaves = await queueLeaves(15);
  const [proof, signals, terms] = await fixture.opening();
  await ledger.open(proof, signals, terms);
  await ledger.insert(...(await fixture.insertion(0n, [...leaves, signals.commitment])));
  await fixture.advance(30);
  await ledger.seal();
  await ledger.insert(...(await fixture.insertion(1n, [signals.accountTag])));
});

test("refuses nodes out of order, open nodes and nodes that were written", async () => {
  const { ledger } = fixture;
  const leaves = await queueLeaves(15);
  await expectRefusal(ledger.insert(...(await fixture.insertion(0n, leaves))), ledger, "NodeStillOpen", [0n]);
  const [last] = await queueLeaves(1);
  const full = [...leaves, last];
  const early = await fixture.insertion(1n, full);
  await expectRefusal(ledger.insert(...early), ledger, "NodeOutOfOrder", [0n, 1n]);
  const insertion = await fixture.insertion(0n, full);
  await ledger.insert(...insertion);
  await expectRefusal(ledger.insert(...insertion), ledger, "NodeOutOfOrder", [1n, 0n]);
  await expectRefusal(ledger.insert(...(await fixture.insertion(1n, full))), ledger, "NodeStillOpen", [1n]);
});

test("refuses leaves that were not queued: a forged note", async () => {
  const { ledger } = fixture;
  const leaves = await queueLeaves(3);
  await fixture.advance(60);
  await ledger.seal();
  const forgeries = [
    [leaves[0], leaves[1], randomElement()],
    [leaves[1], leaves[0], leaves[2]],
    [...leaves, randomElement()],
    [...leaves, 0n, randomElement()],
    [0n, ...leaves],
    [leaves[0], leaves[1]],
    [],
  ];
  for (const forged of forgeries) {
    const insertion = await fixture.insertion(0n, forged);
    await expectRefusal(ledger.insert(...insertion), ledger, "LeavesMismatch", [0n]);
  }
  await ledger.insert(...(await fixture.insertion(0n, leaves)));
});

test("refuses an insertion proof for another root, node or tree", async () => {
  const { ledger } = fixture;
  const leaves = await queueLeaves(16);
  const [index, all, newRoot, proof] = await fixture.insertion(0n, leaves);
  const circuit = circuitIndex("insertion");
  await expectRefusal(ledger.insert(index, all, newRoot + 1n, proof), ledger, "ProofRejected", [circuit]);
  const reversed = [...proof].reverse();
  await expectRefusal(ledger.insert(index, all, newRoot, reversed), ledger, "ProofRejected", [circuit]);
  await ledger.insert(index, all, newRoot, proof);
});

test("refuses a new root that is 0 or >= r", async () => {
  const { ledger } = fixture;
  const leaves = await queueLeaves(16);
  const unreduced = await fixture.insertion(0n, leaves, FIELD_ORDER);
  await expectRefusal(ledger.insert(...unreduced), ledger, "InvalidRoot", [FIELD_ORDER]);
  const zero = await fixture.insertion(0n, leaves, 0n);
  await expectRefusal(ledger.insert(...zero), ledger, "InvalidRoot", [0n]);
});

test("an insertion leaves proofs on older roots and places in the queue as they are", async () => {
  const { ledger } = fixture;
  const leaves = await queueLeaves(16);
  const waiting = await fixture.transition();
  await ledger.insert(...(await fixture.insertion(0n, leaves)));
  const receipt = await (await ledger.submit(waiting)).wait();
  expect(ledger.interface.parseLog(receipt.logs[0])!.args.leafIndex).toBe(16n);
});

/** Puts the queue's end at a place, as after so many leaves: 2^28 cannot be queued in a test. */
async function moveQueueTo(place: bigint): Promise<void> {
  const { ethers, ledger } = fixture;
  await queueLeaves(1);
  const { tail, openedAt, inserted } = await ledger.queue();
  const address = await ledger.getAddress();
  const rest = (inserted << 128n) | (openedAt << 64n);
  for (let slot = 0; slot < 32; slot++) {
    if (BigInt(await ethers.provider.getStorage(address, slot)) !== (rest | tail)) continue;
    const word = ethers.toBeHex(rest | place, 32);
    await ethers.provider.send("hardhat_setStorageAt", [address, ethers.toQuantity(slot), word]);
    return;
  }
  throw new Error("the queue is in none of the first 32 slots");
}

test("a full tree takes no leaf, and the last place stays empty", async () => {
  const { ledger } = fixture;
  await moveQueueTo(2n ** 28n - 2n);
  await queueLeaves(1);
  expect((await ledger.queue()).tail).toBe(2n ** 28n - 1n);
  const late = await fixture.transition();
  await expectRefusal(ledger.submit(late), ledger, "TreeFull", []);
  expect((await ledger.queue()).tail).toBe(2n ** 28n - 1n);
});
