import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Contract } from "ethers";
import hre from "hardhat";
import { beforeEach, expect, test } from "vitest";
import { watchImpairment } from "../../services/keeper/impairment.ts";
import { type Sending, sendingFrom } from "../../services/keeper/send.ts";
import { makeLog } from "../../services/log.ts";
import { type IndebtedFund, indebtedFund } from "./impairedFund.ts";
import { GENEROUS } from "./limits.ts";

let ethers: HardhatEthers;
let keeper: HardhatEthersSigner;
let other: HardhatEthersSigner;
let fund: Contract;
let impair: IndebtedFund["impair"];
/** Lines of the watch's log. */
let lines: string[];

beforeEach(async () => {
  let admin: HardhatEthersSigner;
  ({ ethers } = await hre.network.connect());
  [admin, keeper, other] = await ethers.getSigners();
  const cash = await ethers.deployContract("TestToken", ["USD Coin", "USDC", 6]);
  ({ fund, impair } = await indebtedFund(ethers, admin, cash));
  lines = [];
});

const watch = (sending: Pick<Sending, "send"> = sendingFrom(keeper, GENEROUS)) =>
  watchImpairment({ fund }, sending, makeLog("keeper", { write: (line: string) => void lines.push(line) }));

const recordedAt = (): Promise<bigint> => fund.getFunction("impairedSince")();
const latestTime = async (): Promise<bigint> => BigInt((await ethers.provider.getBlock("latest"))!.timestamp);

test("an impairment that nobody recorded is recorded once, and told in the log", async () => {
  const { look } = watch();
  expect(await look(1n)).toBeUndefined();
  await impair();
  expect(await look(1n)).toBe("done");
  expect(await recordedAt()).toBe(await latestTime());
  expect(await look(1n)).toBeUndefined();
  expect(await look(2n)).toBeUndefined();
  expect(await keeper.getNonce()).toBe(1);
  expect(lines).toHaveLength(1);
});

test("what somebody else recorded costs no transaction, and one that comes second is no failure", async () => {
  await impair();
  const { send } = sendingFrom(keeper, GENEROUS);
  const second = watch({
    async send(...call) {
      await (fund.connect(other) as Contract).getFunction("recordImpairment")();
      return send(...call);
    },
  });
  expect(await second.look(1n)).toBe("keeper.recorded");
  expect(await recordedAt()).toBe((await latestTime()) - 1n);
  expect(await watch().look(1n)).toBeUndefined();
  expect(await keeper.getNonce()).toBe(1);
  expect(lines).toEqual([]);
});

test("a rule in the way is told, and tried again at the next epoch and not before", async () => {
  await impair();
  let maxGasPrice = 0n;
  const { look } = watch({
    send: (...call) => sendingFrom(keeper, { ...GENEROUS, maxGasPrice }).send(...call),
  });
  expect(await look(7n)).toBe("keeper.gasPrice");
  expect(lines.join()).toContain("keeper.gasPrice");
  maxGasPrice = GENEROUS.maxGasPrice;
  expect(await look(7n)).toBeUndefined();
  expect(await look(8n)).toBe("done");
});

test("a failing endpoint is no rule: it is passed on", async () => {
  await impair();
  const { look } = watch({ send: () => Promise.reject(new Error("no route")) });
  await expect(look(1n)).rejects.toThrow("no route");
});
