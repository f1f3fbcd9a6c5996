import { dirname, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Contract, type Provider, type Wallet } from "ethers";
import { lock } from "proper-lockfile";
import { deployContracts } from "../../contracts/deployment.ts";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import { abiOf } from "../../services/chain/artifacts.ts";
import type { Deployment } from "../../services/chain/deployment.ts";
import { requireWritable } from "../../services/files.ts";
import {
  type Configuration,
  committeeKeyIn,
  isLocalChain,
  reportersOf,
  requireNoPower,
} from "./configuration.ts";
import { areDevelopmentKeys, type DeployableKey, loadKeys } from "./keys.ts";
import { type DeploymentRecord, doneStep, readRecord, writeRecord } from "./record.ts";
import { type RecordedDeployer, recordedDeployer } from "./recordedDeployer.ts";
import { expectedRoles, handOver } from "./roles.ts";

const CASH_DECIMALS = 6n;
/** How long a run waits for one transaction before it gives up for now. */
const PATIENCE_SECONDS = 600;
/** The lock of a run that was killed is taken over after this; tries, one second apart, are a little more. */
const LOCK_STALE_MS = 5_000;
const LOCK_TRIES = 8;

export interface DeploymentRun {
  configuration: Configuration;
  /** File of the record: made, or gone on with. */
  recordFile: string;
  provider: Provider;
  /** The deployer, connected to the provider. */
  wallet: Wallet;
  log(line: string): void;
}

/**
 * Deploys what a configuration says, or goes on where a run was interrupted, and returns the finished record.
 *
 * Throws before anything is spent: `deploy.chain`, `deploy.developmentKeys`, `deploy.cash`, `deploy.deployer`, `deploy.changed` (a record of another
 * configuration) and what {@link loadKeys} throws. Later: what {@link recordedDeployer} throws; the record then holds what was done.
 */
export async function deploy(run: DeploymentRun): Promise<DeploymentRecord> {
  requireWritable(run.recordFile, "--record");
  const release = await lockRecord(run.recordFile);
  try {
    const keys = await preflight(run);
    const record = await openRecord(run, keys);
    const { confirmations } = run.configuration;
    const deployer = recordedDeployer(
      run.wallet,
      run.provider,
      record,
      () => writeRecord(run.recordFile, record),
      { confirmations, seconds: PATIENCE_SECONDS },
      run.log,
    );
    await perform(deployer, run.configuration, keys);
    if (!record.complete) {
      record.complete = true;
      writeRecord(run.recordFile, record);
    }
    return readRecord(run.recordFile) as DeploymentRecord;
  } finally {
    await release();
  }
}

/** Two runs on one record would sign different transactions for one step. Throws `deploy.locked`. */
async function lockRecord(file: string): Promise<() => Promise<void>> {
  for (let tries = 1; ; tries++) {
    try {
      return await lock(dirname(resolve(file)), {
        lockfilePath: `${resolve(file)}.lock`,
        stale: LOCK_STALE_MS,
        update: 1_000,
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ELOCKED") throw error;
      if (tries === LOCK_TRIES)
        throw new SolvusError(
          "deploy.locked",
          `--record ${file}: another run works on it, expected one at a time`,
        );
      await sleep(1_000);
    }
  }
}

/** Every check that costs nothing. Returns the keys to deploy. */
async function preflight({ configuration, provider, wallet }: DeploymentRun): Promise<DeployableKey[]> {
  const { chainId, cash } = configuration;
  const { chainId: found } = await provider.getNetwork();
  ensure(
    found === BigInt(chainId),
    "deploy.chain",
    `chain id of the RPC endpoint is ${found}, expected ${chainId} as the configuration says`,
  );
  requireNoPower(configuration, wallet.address);
  const keys = await loadKeys(configuration.keys);
  ensure(
    isLocalChain(chainId) || !areDevelopmentKeys(keys),
    "deploy.developmentKeys",
    `keys of ${configuration.keys} are development keys and chain ${chainId} is not local, expected keys of a ceremony: anybody can forge proofs against these`,
  );
  if (cash !== "test") await requireCash(provider, cash);
  return keys;
}

async function requireCash(provider: Provider, cash: string): Promise<void> {
  let decimals: bigint | undefined;
  try {
    decimals = await new Contract(cash, abiOf("token"), provider).decimals();
  } catch {
    decimals = undefined;
  }
  ensure(
    decimals === CASH_DECIMALS,
    "deploy.cash",
    `cash ${cash} has ${decimals ?? "no"} decimals, expected a token of ${CASH_DECIMALS}`,
  );
}

/** The record of the file, which must be of this deployment, or a new one. */
async function openRecord(
  { configuration, recordFile, provider, wallet }: DeploymentRun,
  keys: readonly DeployableKey[],
): Promise<DeploymentRecord> {
  const hashes = keys.map(({ circuit, hash }) => ({ circuit, hash }));
  const existing = readRecord(recordFile);
  if (existing === undefined)
    return {
      format: "solvus-deployment-record",
      version: 1,
      chainId: configuration.chainId,
      deployer: wallet.address,
      fromBlock: await provider.getBlockNumber(),
      configuration,
      keys: hashes,
      steps: [],
      complete: false,
      addresses: {},
    };
  const begun = [existing.configuration, existing.deployer, existing.keys];
  ensure(
    JSON.stringify(begun) === JSON.stringify([configuration, wallet.address, hashes]),
    "deploy.changed",
    `--record ${recordFile}: it is of another configuration, deployer or keys, expected those it was begun with, or a new record`,
  );
  return existing;
}

/** All steps of a deployment, in order. */
async function perform(
  deployer: RecordedDeployer,
  configuration: Configuration,
  keys: readonly DeployableKey[],
): Promise<void> {
  const { openRegistry, fundFloorMicroUsdc, timelock: lockSettings } = configuration;
  const data: string[] = [];
  for (const { circuit, bytes } of keys) data.push(await deployer.data(`key.${circuit}`, bytes));
  const verifier = await deployer.contract("verifier", "Groth16Verifier", [data]);
  const { delaySeconds, proposers, executors } = lockSettings;
  const nobody = `0x${"0".repeat(40)}`;
  const timelock = await deployer.contract("timelock", "TimelockController", [
    delaySeconds,
    proposers,
    executors === "anybody" ? [nobody] : executors,
    nobody,
  ]);
  const cash =
    configuration.cash === "test"
      ? await deployer.contract("cash", "TestToken", ["USD Coin", "USDC", CASH_DECIMALS])
      : configuration.cash;
  const addresses = await deployContracts(deployer, {
    verifier,
    cash,
    committeeKey: committeeKeyIn(configuration),
    reporters: reportersOf(configuration),
    openRegistry,
    fundFloor: BigInt(fundFloorMicroUsdc),
  });
  const roled = { ...addresses, timelock };
  await handOver(deployer, expectedRoles(configuration, roled), roled);
}

/** What institutions need of a finished deployment: the file that `--deployment` of the account commands takes. */
export function deploymentFileOf(record: DeploymentRecord): Deployment {
  const at = (name: string): string => doneStep(record, name).address;
  const { chainId, fromBlock, configuration } = record;
  return {
    format: "solvus-deployment",
    version: 1,
    chainId,
    fromBlock,
    ledger: at("ledger"),
    oracle: at("oracle"),
    registry: at("registry"),
    usdc: configuration.cash === "test" ? at("cash") : configuration.cash,
  };
}
