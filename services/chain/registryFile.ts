import { z } from "zod";
import { REGISTRY_ARITY, REGISTRY_LEVELS } from "../../protocol/constants.ts";
import { ensure, Misuse, reading, SolvusError } from "../../protocol/errors.ts";
import {
  buildRegistry,
  type Registry,
  type RegistryEntry,
  registryPathRoot,
} from "../../protocol/registryTree.ts";
import { readJson } from "../files.ts";
import type { Deployed } from "./deployment.ts";

const LIST = "solvus-registry";
const PATH = "solvus-registry-path";

const decimal = z
  .string()
  .regex(/^\d{1,78}$/, "expected a decimal number")
  .transform(BigInt);

/** The list that the compliance officer keeps: the contract holds only its root. */
const listSchema = z.strictObject({
  format: z.literal(LIST),
  version: z.literal(1),
  /** Written by `registry build`, for people; recomputed when the file is read. */
  root: decimal.optional(),
  entries: z.array(z.strictObject({ entity: decimal, expiryEpoch: decimal })),
});

/** What one institution needs of the list to show that it is on it. Holds no secret, and none of the other entities. */
const pathSchema = z.strictObject({
  format: z.literal(PATH),
  version: z.literal(1),
  root: decimal,
  entity: decimal,
  expiryEpoch: decimal,
  levels: z.array(z.array(decimal).length(REGISTRY_ARITY)).length(REGISTRY_LEVELS),
});

const fileSchema = z.discriminatedUnion("format", [listSchema, pathSchema]);

/** A committed list with its entries in their places. */
export interface RegistryList extends Registry {
  entries: readonly RegistryEntry[];
}

const jsonOf = (value: object): string =>
  `${JSON.stringify(value, (_, item) => (typeof item === "bigint" ? String(item) : item), 2)}\n`;

/** Text of a list's file. */
export function formatRegistryList({ root, entries }: RegistryList): string {
  return jsonOf({ format: LIST, version: 1, root, entries });
}

/** Text of an institution's path file. Throws `registry.unknown` when the entity is not listed. */
export function formatRegistryPath(registry: Registry, entity: bigint): string {
  const { expiryEpoch, levels } = registry.path(entity);
  return jsonOf({ format: PATH, version: 1, root: registry.root, entity, expiryEpoch, levels });
}

function requireSaidRoot(said: bigint | undefined, root: bigint, option: string): void {
  if (said !== undefined && said !== root)
    throw new Misuse(
      "registry.fileRoot",
      `${option}: root is ${said}, expected ${root} as the entries give it`,
    );
}

function listOf({ root, entries }: z.infer<typeof listSchema>, option: string): RegistryList {
  const built = reading(() => buildRegistry(entries));
  requireSaidRoot(root, built.root, option);
  return { ...built, entries };
}

/** The list of a file. Misuse for a file that is none, or says another root than its entries give (`registry.fileRoot`). */
export function readRegistryList(file: string, option: string): RegistryList {
  return listOf(readJson(file, option, listSchema), option);
}

/**
 * The registry of a file: the officer's whole list, or one institution's path, which knows that institution alone.
 * Misuse as {@link readRegistryList}, and for a path that does not lead to its root (`registry.path`).
 */
export function readRegistry(file: string, option: string): Registry {
  const content = readJson(file, option, fileSchema);
  if (content.format === LIST) return listOf(content, option);
  const { root, entity, expiryEpoch, levels } = content;
  const path = { expiryEpoch, levels };
  requireSaidRoot(
    root,
    reading(() => registryPathRoot(entity, path)),
    option,
  );
  return {
    root,
    path(asked) {
      ensure(
        asked === entity,
        "registry.unknown",
        `entity ${asked}: the path file is of entity ${entity}, expected one of this institution`,
      );
      return path;
    },
  };
}

/** Throws `registry.file`: a registry that is not open and no file to show a membership with. */
function missingFile(): never {
  throw new SolvusError(
    "registry.file",
    "registry: not open, expected --registry with the institution's path or the officer's list",
  );
}

/**
 * The registry that a ledger's proofs refer to: undefined when everybody is admitted, else the one of a file (list or path) whose root
 * the contract accepts. Throws `registry.file` without a file, `registry.root` for one that is out of date.
 */
export async function registryOf({ registry }: Deployed, file?: string): Promise<Registry | undefined> {
  if (await registry.isOpen()) return undefined;
  if (file === undefined) return missingFile();
  const read = readRegistry(file, "--registry");
  ensure(
    await registry.acceptsRoot(read.root),
    "registry.root",
    `registry file: its root is ${read.root}, expected one that the contract accepts; get the officer's present one`,
  );
  return read;
}

/**
 * As {@link registryOf}, for a trade. One that sheds risk names the root in force and shows no membership, so that without a file it is that
 * root, with a path for nobody: whoever was removed can still close positions. Any other trade asks for a path: `registry.file`.
 */
export async function registryForTrade(deployed: Deployed, file?: string): Promise<Registry | undefined> {
  const { registry } = deployed;
  if (file !== undefined || (await registry.isOpen())) return registryOf(deployed, file);
  return { root: await registry.currentRoot(), path: missingFile };
}
