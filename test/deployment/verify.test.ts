import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Contract, keccak256, Wallet } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { artifactOf } from "../../cli/deploy/artifacts.ts";
import { deploy, deploymentFileOf } from "../../cli/deploy/deploy.ts";
import { keyPlaces } from "../../cli/deploy/keys.ts";
import type { DeploymentRecord } from "../../cli/deploy/record.ts";
import { roleId } from "../../cli/deploy/roles.ts";
import { addressesOf, type DeploymentReport, verifyDeployment } from "../../cli/deploy/verify.ts";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { CIRCUITS } from "../../contracts/statements.ts";
import {
  account,
  configurationOn,
  deployerOn,
  FragileProvider,
  proveOnce,
  startChain,
  type TestChain,
} from "./support.ts";

/* The verification finds what is not as the record says. Each test spoils one thing on the chain, which is put back afterwards. */

/** Runtime code that answers every call with the word 1: a verifier that accepts everything. */
const SAYS_YES = "0x600160005260206000f3";

let directory: string;
let endProving: (() => Promise<void>) | undefined;
let chain: TestChain;
let provider: FragileProvider;
let record: DeploymentRecord;
let addresses: ReturnType<typeof addressesOf>;
let snapshot: string;

beforeAll(async () => {
  endProving = proveOnce();
  directory = mkdtempSync(join(tmpdir(), "solvus-verify-"));
  chain = await startChain();
  provider = new FragileProvider(chain);
  record = await deploy({
    configuration: configurationOn(31337),
    recordFile: join(directory, "record.json"),
    provider,
    wallet: deployerOn(provider),
    log: () => {},
  });
  addresses = addressesOf(record);
}, 120_000);
afterAll(async () => {
  await endProving?.();
  provider?.destroy();
  await chain?.close();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(async () => {
  snapshot = await provider.send("evm_snapshot", []);
});
afterEach(async () => {
  await provider.send("evm_revert", [snapshot]);
});

const verify = (of = record): Promise<DeploymentReport> =>
  verifyDeployment(provider, of, keyPlaces("development"));

/** Names of the checks that fail. */
async function failures(of = record): Promise<string[]> {
  const { accepted, checks } = await verify(of);
  const failed = checks.filter(({ passed }) => passed === false).map(({ name }) => name);
  expect(accepted).toBe(failed.length === 0);
  return failed;
}

/** Sends to a contract as somebody whose key nobody here has. */
async function asHolder(
  holder: string,
  artifact: string,
  at: string,
  method: string,
  values: unknown[],
): Promise<void> {
  await provider.send("hardhat_impersonateAccount", [holder]);
  await provider.send("hardhat_setBalance", [holder, "0xde0b6b3a7640000"]);
  const data = new Contract(at, artifactOf(artifact).abi).interface.encodeFunctionData(method, values);
  await provider.send("eth_sendTransaction", [{ from: holder, to: at, data }]);
}

test("a deployment as it was made passes: false proofs of every circuit are refused, a true insertion is accepted", {
  timeout: 60_000,
}, async () => {
  const { accepted, checks } = await verify();
  expect(checks.filter(({ passed }) => passed === false)).toEqual([]);
  expect(accepted).toBe(true);
  const passed = checks.filter((check) => check.passed === true).map(({ name }) => name);
  for (const circuit of CIRCUITS)
    expect(passed).toEqual(
      expect.arrayContaining([
        `key.${circuit}`,
        `code.key.${circuit}`,
        `falseProof.${circuit}`,
        `falseProof.${circuit}.batch`,
        `trueProof.beside.${circuit}`,
      ]),
    );
  expect(passed).toEqual(expect.arrayContaining(["trueProof", "trueProof.batch", "trueProof.altered.batch"]));
  // On a local chain development keys are no failure, and are named.
  expect(checks.find(({ name }) => name === "keys.production")).toMatchObject({
    passed: undefined,
    found: "development keys",
  });
});

test("the deployer holds no role anywhere", async () => {
  const { deployer } = record;
  for (const [name, artifact] of [
    ["timelock", "TimelockController"],
    ["oracle", "RiskOracle"],
    ["registry", "ComplianceRegistry"],
    ["fund", "InsuranceFund"],
    ["ledger", "Ledger"],
  ] as const) {
    const contract = new Contract(addresses[name], artifactOf(artifact).abi, provider);
    const roles = contract.interface.fragments.flatMap((fragment) =>
      fragment.type === "function" && "name" in fragment && /_ROLE$/.test(String(fragment.name))
        ? [String(fragment.name)]
        : [],
    );
    expect(roles.length).toBeGreaterThan(1);
    for (const role of roles) {
      expect(await contract.getFunction(role)()).toBe(roleId(role));
      expect(await contract.hasRole(roleId(role), deployer)).toBe(false);
    }
  }
});

test("institutions' file of the deployment leads to the contracts", () => {
  expect(deploymentFileOf(record)).toMatchObject({
    format: "solvus-deployment",
    ledger: addresses.ledger,
    oracle: addresses.oracle,
    registry: addresses.registry,
    usdc: addresses.cash,
  });
});

describe("found out", () => {
  test("a verifier that accepts everything", async () => {
    await provider.send("hardhat_setCode", [addresses.verifier, SAYS_YES]);
    const failed = await failures();
    expect(failed).toContain("code.verifier");
    for (const circuit of CIRCUITS) {
      expect(failed).toContain(`falseProof.${circuit}`);
      expect(failed).toContain(`falseProof.${circuit}.batch`);
    }
    expect(failed).toContain("trueProof.altered");
  });

  test("such a verifier, named by the record as it is", async () => {
    await provider.send("hardhat_setCode", [addresses.verifier, SAYS_YES]);
    const steps = record.steps.map((step) =>
      step.name === "verifier" ? { ...step, codeHash: keccak256(SAYS_YES) } : step,
    );
    expect(await failures({ ...record, steps })).toContain("code.verifier");
  });

  test("a key's data contract with one byte altered", async () => {
    const { address } = record.steps.find(({ name }) => name === "key.insertion")!;
    const code = await provider.getCode(address);
    await provider.send("hardhat_setCode", [
      address,
      `${code.slice(0, -1)}${code.endsWith("0") ? "1" : "0"}`,
    ]);
    const failed = await failures();
    expect(failed).toEqual(expect.arrayContaining(["code.key.insertion", "key.insertion", "trueProof"]));
  });

  test("a role given to somebody else, and one that nobody listed", async () => {
    const { timelock, ledger, registry } = addresses;
    await asHolder(timelock, "Ledger", ledger, "grantRole", [roleId("GUARDIAN_ROLE"), account(3)]);
    const unheardOf = `0x${"7".repeat(64)}`;
    await asHolder(timelock, "ComplianceRegistry", registry, "grantRole", [unheardOf, account(3)]);
    expect(await failures()).toEqual(["registry.otherRoles", "ledger.GUARDIAN_ROLE"]);
  });

  test("a role taken from its holder", async () => {
    const { officer } = record.configuration.roles;
    const values = [roleId("OFFICER_ROLE"), officer];
    await asHolder(officer, "ComplianceRegistry", addresses.registry, "renounceRole", values);
    expect(await failures()).toEqual(["registry.OFFICER_ROLE"]);
  });

  test("parameters that are not the configuration's", async () => {
    const { timelock, fund, ledger } = addresses;
    await asHolder(timelock, "InsuranceFund", fund, "setFloor", [5n]);
    await asHolder(record.configuration.roles.guardian, "Ledger", ledger, "setEmergency", [true]);
    await asHolder(timelock, "TimelockController", timelock, "updateDelay", [1n]);
    expect(await failures()).toEqual(["ledger.emergency", "fund.floor", "timelock.delay"]);
    const configuration = { ...record.configuration, fundFloorMicroUsdc: "5", openRegistry: true };
    expect(await failures({ ...record, configuration })).toEqual([
      "ledger.emergency",
      "registry.isOpen",
      "timelock.delay",
    ]);
  });

  test("a record that names another ledger, another chain, or is not finished", async () => {
    const steps = record.steps.map((step) =>
      step.name === "ledger" ? { ...step, address: addresses.oracle } : step,
    );
    const failed = await failures({ ...record, steps });
    expect(failed).toContain("code.ledger");
    expect(failed).toContain("parameters");
    expect(await failures({ ...record, chainId: 5 })).toEqual(["chain.id"]);
    await expect(verify({ ...record, complete: false })).rejects.toThrow(
      expect.objectContaining({ rule: "deploy.unfinished" }),
    );
  });
});

describe("the timelock", () => {
  test("sets a parameter after the delay and not before; nobody else does", async () => {
    const { timelock, fund } = addresses;
    const proposer = new Wallet(developmentKey(8), provider);
    const locked = new Contract(timelock, artifactOf("TimelockController").abi, proposer);
    const fundContract = new Contract(fund, artifactOf("InsuranceFund").abi, proposer);
    const data = fundContract.interface.encodeFunctionData("setFloor", [77n]);
    const salt = `0x${"5".repeat(64)}`;
    const none = `0x${"0".repeat(64)}`;
    const { delaySeconds } = record.configuration.timelock;
    const refusedAs = async (promise: Promise<unknown>, contract: Contract, name: string) =>
      expect(
        await promise.then(
          () => "accepted",
          (error) => contract.interface.parseError(error.data ?? error.info?.error?.data?.data)?.name,
        ),
      ).toBe(name);
    await refusedAs(fundContract.setFloor.staticCall(77n), fundContract, "AccessControlUnauthorizedAccount");
    await refusedAs(
      locked.schedule.staticCall(fund, 0, data, none, salt, delaySeconds - 1),
      locked,
      "TimelockInsufficientDelay",
    );
    await (await locked.schedule(fund, 0, data, none, salt, delaySeconds)).wait();
    await refusedAs(
      locked.execute.staticCall(fund, 0, data, none, salt),
      locked,
      "TimelockUnexpectedOperationState",
    );
    await provider.send("evm_increaseTime", [delaySeconds]);
    const anybody = locked.connect(new Wallet(developmentKey(3), provider)) as Contract;
    await (await anybody.execute(fund, 0, data, none, salt)).wait();
    expect(await fundContract.getFunction("floor")()).toBe(77n);
  });
});
