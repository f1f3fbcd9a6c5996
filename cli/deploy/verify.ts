import { Contract, dataSlice, type Provider } from "ethers";
import type { CircuitPlaces } from "../../protocol/circuitFiles.ts";
import { ensure } from "../../protocol/errors.ts";
import { artifactOf } from "./artifacts.ts";
import { type Check, equal, guarded } from "./checks.ts";
import { codeChecks, keyChecks } from "./codeChecks.ts";
import { isLocalChain } from "./configuration.ts";
import { alphaBetaHash, DEVELOPMENT_ALPHA_BETA } from "./keys.ts";
import { type Attached, parameterChecks } from "./parameterChecks.ts";
import { proofChecks } from "./proofChecks.ts";
import { type DeploymentRecord, doneStep } from "./record.ts";
import { roleChecks } from "./roleChecks.ts";

/** What the verification of a deployment found. */
export interface DeploymentReport {
  /** True when no check failed. */
  accepted: boolean;
  checks: Check[];
}

const ARTIFACTS: Record<keyof Attached, string> = {
  verifier: "Groth16Verifier",
  timelock: "TimelockController",
  cash: "TestToken",
  oracle: "RiskOracle",
  registry: "ComplianceRegistry",
  auction: "LiquidationAuction",
  fund: "InsuranceFund",
  ledger: "Ledger",
};

/** Addresses of a finished deployment's contracts. Throws `deploy.unfinished`. */
export function addressesOf(record: DeploymentRecord): Record<keyof Attached, string> {
  const { cash } = record.configuration;
  const names = Object.keys(ARTIFACTS) as (keyof Attached)[];
  const entries = names.map((name): [keyof Attached, string] => [
    name,
    name === "cash" && cash !== "test" ? cash : doneStep(record, name).address,
  ]);
  return Object.fromEntries(entries) as Record<keyof Attached, string>;
}

/**
 * Verifies a deployment from the chain. Of the record it takes addresses, what was decided (its `configuration`, which the reader must
 * judge) and where to look; keys are compared with the manifest of `places`, code with the contracts compiled here.
 *
 * Whatever is wrong on the chain is a failed check. Throws `deploy.unfinished`, `setup.*` and what keeps the files here from being read.
 */
export async function verifyDeployment(
  provider: Provider,
  record: DeploymentRecord,
  places: CircuitPlaces,
): Promise<DeploymentReport> {
  ensure(record.complete, "deploy.unfinished", "record: not complete, expected a finished deployment");
  const { chainId } = await provider.getNetwork();
  const chain = equal("chain.id", chainId, record.chainId);
  if (!chain.passed) return { accepted: false, checks: [chain] };
  const addresses = addressesOf(record);
  const names = Object.keys(ARTIFACTS) as (keyof Attached)[];
  const contracts = Object.fromEntries(
    names.map((name) => [name, new Contract(addresses[name], artifactOf(ARTIFACTS[name]).abi, provider)]),
  ) as unknown as Attached;
  const checks = [
    chain,
    ...(await codeChecks(provider, record)),
    ...(await guarded("keys", "keys of the manifest", () =>
      keyChecks(provider, record, places, contracts.verifier),
    )),
    ...(await guarded("keys.production", "keys of a ceremony", () => originChecks(provider, record))),
    ...(await guarded("parameters", "the configuration's", () =>
      parameterChecks(contracts, addresses, record.configuration),
    )),
    ...(await guarded("roles", "the configuration's", () => roleChecks(provider, record, addresses))),
    ...(await proofChecks(contracts.verifier, places)),
  ];
  return { accepted: checks.every(({ passed }) => passed !== false), checks };
}

/** Whether the keys on the chain are fit for it: development keys are for local chains. */
async function originChecks(provider: Provider, record: DeploymentRecord): Promise<Check[]> {
  const code = await provider.getCode(doneStep(record, "key.open").address);
  const development = alphaBetaHash(dataSlice(code, 1)) === DEVELOPMENT_ALPHA_BETA;
  const name = "keys.production";
  const found = development ? "development keys" : "keys of a ceremony";
  if (development && isLocalChain(record.chainId))
    return [{ name, passed: undefined, found, expected: "keys of a ceremony; this chain is local" }];
  return [equal(name, found, "keys of a ceremony")];
}
