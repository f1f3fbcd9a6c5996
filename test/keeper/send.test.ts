import hre from "hardhat";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sendingFrom } from "../../services/keeper/send.ts";

/* Sending from a key of one's own, on a chain that mines when it is told to. */

type Connection = Awaited<ReturnType<typeof hre.network.connect>>;
let connection: Connection;

beforeAll(async () => {
  connection = await hre.network.connect({ network: "default" });
});
afterAll(() => connection.close());

const GWEI = 10n ** 9n;

async function token() {
  const { ethers } = connection;
  const [signer] = await ethers.getSigners();
  const contract = await ethers.deployContract("TestToken", ["Test", "TST", 6], signer);
  return { ethers, signer: signer!, contract: contract as never, address: await contract.getAddress() };
}

test("a stuck transaction is replaced at a higher fee, and mined once", async () => {
  const { ethers, signer, contract } = await token();
  const ahead = sendingFrom(signer, { maxGasPrice: 100n * GWEI });
  expect((await ahead.send(contract, "mint", [signer.address, 1n])).status).toBe(1);
  await ethers.provider.send("evm_setAutomine", [false]);
  const sending = sendingFrom(signer, { maxGasPrice: 100n * GWEI, patienceMs: 50 });
  const nonce = await signer.getNonce();
  await expect(sending.send(contract, "mint", [signer.address, 5n])).rejects.toMatchObject({
    rule: "keeper.unmined",
  });
  const restarted = sendingFrom(signer, { maxGasPrice: 100n * GWEI, patienceMs: 5_000 });
  const [receipt] = await Promise.all([
    restarted.send(contract, "mint", [signer.address, 7n]),
    (async () => {
      await new Promise((resolve) => setTimeout(resolve, 200));
      await ethers.provider.send("evm_mine", []);
    })(),
  ]);
  await ethers.provider.send("evm_setAutomine", [true]);
  expect(receipt.status).toBe(1);
  const sent = await ethers.provider.getTransaction(receipt.hash);
  expect(sent!.nonce).toBe(nonce);
  expect(await signer.getNonce()).toBe(nonce + 1);
  const held: bigint = await (contract as { balanceOf(of: string): Promise<bigint> }).balanceOf(
    signer.address,
  );
  expect(held).toBe(1n + 7n);
});

test("nothing is sent above the highest gas price, nor what a contract refuses", async () => {
  const { signer, contract } = await token();
  const nonce = await signer.getNonce();
  const frugal = sendingFrom(signer, { maxGasPrice: 1n });
  await expect(frugal.send(contract, "mint", [signer.address, 5n])).rejects.toMatchObject({
    rule: "keeper.gasPrice",
  });
  const sending = sendingFrom(signer, { maxGasPrice: 100n * GWEI });
  await expect(sending.send(contract, "transfer", [signer.address, 5n])).rejects.toMatchObject({
    rule: expect.stringMatching(/^token\.|^chain\./),
  });
  expect(await signer.getNonce()).toBe(nonce);
});
