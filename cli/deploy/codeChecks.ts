import { type Contract, dataSlice, keccak256, type Provider } from "ethers";
import { type CircuitPlaces, manifestEntry, readManifest } from "../../protocol/circuitFiles.ts";
import { artifactOf, type CodeReference } from "./artifacts.ts";
import { type Check, equal } from "./checks.ts";
import { type DeploymentRecord, doneStep } from "./record.ts";

/** Keccak-256 of runtime code with zeros in the places that constructors fill in. */
export function maskedHash(code: string, holes: readonly CodeReference[]): string {
  const digits = [...code.slice(2)];
  for (const { start, length } of holes) digits.fill("0", 2 * start, 2 * (start + length));
  return keccak256(`0x${digits.join("")}`);
}

/** The code of every created contract: that of the record, and that of the contracts compiled here. */
export async function codeChecks(provider: Provider, record: DeploymentRecord): Promise<Check[]> {
  const created = record.steps.filter(({ method }) => method === undefined);
  const checks = await Promise.all(
    created.map(async ({ name, contract, address, codeHash }) => {
      const code = await provider.getCode(address);
      const recorded = equal(`code.${name}`, keccak256(code), codeHash);
      if (contract === "data" || !recorded.passed) return recorded;
      const { deployedBytecode, holes } = artifactOf(contract);
      const compiled = maskedHash(deployedBytecode, []);
      const matches = maskedHash(code, holes) === compiled;
      return matches
        ? recorded
        : {
            ...recorded,
            passed: false,
            found: `other code than ${contract}`,
            expected: `${contract} as compiled here`,
          };
    }),
  );
  return checks;
}

/** The verifying keys: the data contracts that the verifier uses are the record's, and their bytes hash to what the manifest says. */
export async function keyChecks(
  provider: Provider,
  record: DeploymentRecord,
  places: CircuitPlaces,
  verifier: Contract,
): Promise<Check[]> {
  const manifest = await readManifest(places.manifest);
  return Promise.all(
    record.keys.map(async ({ circuit }, index) => {
      const { verifyingKeyHash } = manifestEntry(manifest, circuit);
      const step = doneStep(record, `key.${circuit}`);
      const code = await provider.getCode(step.address);
      const held = code.startsWith("0x00") ? keccak256(dataSlice(code, 1)) : "no data contract";
      const found = [held, await verifier.keyHash(index), await verifier.keyAddress(index)];
      const check = equal(`key.${circuit}`, found, [verifyingKeyHash, verifyingKeyHash, step.address]);
      return check.passed ? { ...check, found: verifyingKeyHash, expected: verifyingKeyHash } : check;
    }),
  );
}
