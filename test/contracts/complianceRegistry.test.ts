import type { Contract } from "ethers";
import hre from "hardhat";
import { beforeEach, expect, test } from "vitest";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { expectRefusal, randomElement } from "../support/ledgerFixture.ts";

let connection: Awaited<ReturnType<typeof hre.network.connect>>;
let registry: Contract;

beforeEach(async () => {
  connection = await hre.network.connect();
  const [admin] = await connection.ethers.getSigners();
  registry = await connection.ethers.deployContract("ComplianceRegistry", [admin.address, false]);
});

test("an addition leaves the previous root valid for five minutes to the second", async () => {
  const [first, second] = [randomElement(), randomElement()];
  await registry.postRoot(first, false);
  await registry.postRoot(second, false);
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
  await registry.postRoot(first, false);
  await registry.postRoot(second, false);
  await registry.postRoot(third, true);
  for (const root of [first, second]) expect(await registry.acceptsRoot(root)).toBe(false);
  expect(await registry.acceptsRoot(third)).toBe(true);
  await registry.postRoot(fourth, false);
  for (const root of [first, second]) expect(await registry.acceptsRoot(root)).toBe(false);
  for (const root of [third, fourth]) expect(await registry.acceptsRoot(root)).toBe(true);
});

test("an open registry accepts root 0, a closed one never does", async () => {
  const [admin] = await connection.ethers.getSigners();
  const open = await connection.ethers.deployContract("ComplianceRegistry", [admin.address, true]);
  expect(await open.getFunction("acceptsRoot")(0n)).toBe(true);
  expect(await registry.acceptsRoot(0n)).toBe(false);
  await registry.postRoot(randomElement(), false);
  expect(await registry.acceptsRoot(0n)).toBe(false);
});

test("refuses an invalid root, and a root posted by anybody but an officer", async () => {
  for (const root of [0n, FIELD_ORDER]) {
    await expectRefusal(registry.postRoot(root, false), registry, "InvalidRegistryRoot", [root]);
  }
  const stranger = (await connection.ethers.getSigners())[1];
  await expectRefusal(
    (registry.connect(stranger) as Contract).postRoot(1n, true),
    registry,
    "AccessControlUnauthorizedAccount",
    [stranger.address, await registry.OFFICER_ROLE()],
  );
});
