import { z } from "zod";
import { ensure } from "../../protocol/errors.ts";
import { buildRegistry, type Registry } from "../../protocol/registryTree.ts";
import { reading } from "../exitCode.ts";
import { readJson } from "../files.ts";
import type { Deployed } from "./deployment.ts";

const decimal = z
  .string()
  .regex(/^\d{1,78}$/, "expected a decimal number")
  .transform(BigInt);

/** The list that the compliance officer publishes: the contract holds only its root. */
const registrySchema = z.strictObject({
  format: z.literal("solvus-registry"),
  version: z.literal(1),
  entries: z.array(z.strictObject({ entity: decimal, expiryEpoch: decimal })),
});

/**
 * The registry that a ledger's proofs refer to: undefined when everybody is admitted, else the one of a file whose root the contract
 * accepts. Throws `registry.file` without a file, `registry.root` for a list that is out of date.
 */
export async function registryOf({ registry }: Deployed, file?: string): Promise<Registry | undefined> {
  if (await registry.isOpen()) return undefined;
  ensure(
    file !== undefined,
    "registry.file",
    "registry: not open, expected --registry with the officer's list of entities",
  );
  const { entries } = readJson(file, "--registry", registrySchema);
  const built = reading(() => buildRegistry(entries));
  ensure(
    await registry.acceptsRoot(built.root),
    "registry.root",
    `registry file: its root is ${built.root}, expected one that the contract accepts; get the officer's present list`,
  );
  return built;
}
