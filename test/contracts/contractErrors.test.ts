import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Interface } from "ethers";
import hre from "hardhat";
import { expect, test } from "vitest";
import { ERROR_REFERENCE, errorReference } from "../../scripts/contractErrors.ts";
import { ROOT } from "../../scripts/setup/paths.ts";

const CONTRACTS = [
  "Ledger",
  "LiquidationAuction",
  "InsuranceFund",
  "RiskOracle",
  "ComplianceRegistry",
  "Groth16Verifier",
  "VerifyingKeyPublisher",
];

/** Errors of OpenZeppelin's libraries that no call of these contracts can end with. */
const UNREACHABLE = ["InvalidShortString", "StringTooLong"];

test("the reference of errors is current; `node scripts/contractErrors.ts` writes it", () => {
  expect(readFileSync(join(ROOT, ERROR_REFERENCE), "utf8")).toBe(errorReference());
});

test("every error of the contracts' interfaces is in the reference, under its selector", async () => {
  const reference = errorReference();
  for (const contract of CONTRACTS) {
    const { abi } = await hre.artifacts.readArtifact(contract);
    new Interface(abi).forEachError((error) => {
      if (UNREACHABLE.includes(error.name)) return;
      const row = reference.split("\n").find((line) => line.startsWith(`| \`${error.name}(`));
      expect(row, `${contract}: ${error.name}`).toContain(`\`${error.selector}\``);
    });
  }
});
