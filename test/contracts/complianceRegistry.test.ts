import type { Contract } from "ethers";
import hre from "hardhat";
import { beforeEach, describe, expect, test } from "vitest";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { expectRefusal, randomElement } from "../support/ledgerFixture.ts";

let connection: Awaited<ReturnType<typeof hre.network.connect>>;
let registry: Contract;

beforeEach(async () => {
  connection = await hre.network.connect();
  const [admin] = await connection.ethers.getSigners();
  registry = await connection.ethers.deployContract("ComplianceRegistry", [admin.address, false]);
});

/** Posts a root as the successor of the current one. */
async function post(root: bigint, removal: boolean): Promise<void> {
  await registry.postRoot(await registry.currentRoot(), root, removal);
}

describe("the current root and the one before", () => {
  test("an addition leaves the previous root valid for five minutes to the second", async () => {
    const [first, second] = [randomElement(), randomElement()];
    await post(first, false);
    await post(second, false);
    const until = Number(await registry.previousUntil());
    const { provider } = connection.ethers;
    expect(BigInt(until)).toBe(BigInt((await provider.getBlock("latest"))!.timestamp) + 300n);
    for (const [time, accepted] of [
      [until, true],
      [until + 1, false],
    ] as const) {
      await provider.send("evm_setNextBlockTimestamp", [time]);
      await provider.send("evm_mine", []);
      const blockTag = await provider.getBlockNumber();
      expect(await registry.acceptsRoot(first, { blockTag })).toBe(accepted);
      expect(await registry.acceptsRoot(second, { blockTag })).toBe(true);
    }
  });

  test("refuses a removed entity at once: no older root survives a removal", async () => {
    const [first, second, third, fourth] = [1, 2, 3, 4].map(randomElement);
    await post(first, false);
    await post(second, false);
    await post(third, true);
    for (const root of [first, second]) expect(await registry.acceptsRoot(root)).toBe(false);
    expect(await registry.acceptsRoot(third)).toBe(true);
    await post(fourth, false);
    for (const root of [first, second]) expect(await registry.acceptsRoot(root)).toBe(false);
    for (const root of [third, fourth]) expect(await registry.acceptsRoot(root)).toBe(true);
  });

  test("two additions leave one previous root, not two", async () => {
    const [first, second, third] = [1, 2, 3].map(randomElement);
    for (const root of [first, second, third]) await post(root, false);
    expect(await registry.acceptsRoot(first)).toBe(false);
    expect(await registry.acceptsRoot(second)).toBe(true);
  });

  test("an open registry accepts root 0, a closed one never does", async () => {
    const [admin] = await connection.ethers.getSigners();
    const open = await connection.ethers.deployContract("ComplianceRegistry", [admin.address, true]);
    expect(await open.getFunction("acceptsRoot")(0n)).toBe(true);
    expect(await registry.acceptsRoot(0n)).toBe(false);
    await post(randomElement(), false);
    expect(await registry.acceptsRoot(0n)).toBe(false);
  });
});

describe("a removed entity does not come back", () => {
  test("by an old root posted again, whatever it claims to be", async () => {
    const [withEntity, without, later] = [1, 2, 3].map(randomElement);
    await post(withEntity, false);
    await post(without, true);
    for (const removal of [false, true]) {
      await expectRefusal(post(withEntity, removal), registry, "RegistryRootReused", [withEntity]);
    }
    await post(later, false);
    for (const removal of [false, true]) {
      await expectRefusal(post(withEntity, removal), registry, "RegistryRootReused", [withEntity]);
      await expectRefusal(post(without, removal), registry, "RegistryRootReused", [without]);
    }
    expect(await registry.acceptsRoot(withEntity)).toBe(false);
  });

  test("by an addition that another officer made from the list before the removal", async () => {
    const [withEntity, without, added] = [1, 2, 3].map(randomElement);
    await post(withEntity, false);
    await registry.postRoot(withEntity, without, true);
    await expectRefusal(registry.postRoot(withEntity, added, false), registry, "RegistryRootReplaced", [
      without,
      withEntity,
    ]);
    await expectRefusal(registry.postRoot(0n, added, false), registry, "RegistryRootReplaced", [without, 0n]);
    expect(await registry.currentRoot()).toBe(without);
  });

  test("a removal posted as an addition is put right by posting it again as what it is", async () => {
    const [withEntity, without] = [randomElement(), randomElement()];
    await post(withEntity, false);
    await post(without, false);
    expect(await registry.acceptsRoot(withEntity)).toBe(true);
    await expectRefusal(post(without, false), registry, "RegistryRootReused", [without]);
    await post(without, true);
    expect(await registry.acceptsRoot(withEntity)).toBe(false);
    expect(await registry.acceptsRoot(without)).toBe(true);
  });

  test("nor by removals and additions in any order that lies about which is which", async () => {
    // Every root of an even place lists the entity, every other one does not.
    const roots = Array.from({ length: 6 }, randomElement);
    for (const root of roots.slice(0, 4)) await post(root, false);
    await post(roots[4] as bigint, true);
    await post(roots[5] as bigint, false);
    const accepted: boolean[] = [];
    for (const root of roots) accepted.push(await registry.acceptsRoot(root));
    expect(accepted).toEqual([false, false, false, false, true, true]);
  });
});

describe("who may post what", () => {
  test("refuses an invalid root, and a root posted by anybody but an officer", async () => {
    for (const root of [0n, FIELD_ORDER]) {
      await expectRefusal(registry.postRoot(0n, root, false), registry, "InvalidRegistryRoot", [root]);
    }
    const stranger = (await connection.ethers.getSigners())[1];
    await expectRefusal(
      (registry.connect(stranger) as Contract).postRoot(0n, 1n, true),
      registry,
      "AccessControlUnauthorizedAccount",
      [stranger.address, await registry.OFFICER_ROLE()],
    );
  });

  test("an officer who lost the role posts nothing more", async () => {
    const [admin, officer] = await connection.ethers.getSigners();
    const role = await registry.OFFICER_ROLE();
    await registry.grantRole(role, officer.address);
    const acting = registry.connect(officer) as Contract;
    await acting.postRoot(0n, 5n, false);
    await registry.revokeRole(role, officer.address);
    await expectRefusal(acting.postRoot(5n, 6n, false), registry, "AccessControlUnauthorizedAccount", [
      officer.address,
      role,
    ]);
    await (registry.connect(admin) as Contract).postRoot(5n, 6n, false);
    expect(await registry.currentRoot()).toBe(6n);
  });
});
