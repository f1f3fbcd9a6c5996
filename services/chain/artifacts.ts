import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonFragment } from "ethers";
import { Misuse } from "../../protocol/errors.ts";
import { ROOT } from "../../scripts/setup/paths.ts";

/** Contracts that the command talks to, by the name that its messages use. */
const CONTRACTS = {
  ledger: "Ledger",
  oracle: "RiskOracle",
  registry: "ComplianceRegistry",
  auction: "LiquidationAuction",
  fund: "InsuranceFund",
  token: "TestToken",
} as const;

const directory = join(ROOT, "build/artifacts/contracts");
const file = (contract: string): string =>
  join(directory, contract === "TestToken" ? "test" : "", `${contract}.sol`, `${contract}.json`);

/** The ABI of a compiled contract. Misuse (`setup.missing`) before set-up. */
export function abiOf(name: keyof typeof CONTRACTS): JsonFragment[] {
  const path = file(CONTRACTS[name]);
  if (!existsSync(path))
    throw new Misuse("setup.missing", "contracts are not compiled, expected `solvus setup` to have been run");
  return JSON.parse(readFileSync(path, "utf8")).abi;
}

/** ABIs of the contracts that are compiled, for naming their errors. */
export function contractInterfaces(): [name: string, abi: JsonFragment[]][] {
  return (Object.keys(CONTRACTS) as (keyof typeof CONTRACTS)[])
    .filter((name) => existsSync(file(CONTRACTS[name])))
    .map((name) => [name, abiOf(name)]);
}
