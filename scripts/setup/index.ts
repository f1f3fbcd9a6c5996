import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { readInstances } from "./instances.ts";
import { keysContract } from "./keysContract.ts";
import { withLock } from "./lock.ts";
import { type Manifest, makeManifest, manifestDifferences, readManifest, writeManifest } from "./manifest.ts";
import { PLACES, type Places, verifyingKeyFile } from "./paths.ts";
import { contractsCompiled } from "./solidity.ts";
import { isComplete, readState, type State } from "./state.ts";
import { removeLeftovers } from "./temporary.ts";

export { type Manifest, readManifest } from "./manifest.ts";
export { PLACES, type Places } from "./paths.ts";

export interface SetupOptions {
  /** Rewrite circuits/manifest.json instead of comparing with it. */
  updateManifest?: boolean;
  /** Show no progress. */
  quiet?: boolean;
  /** Only these instances: compiles them and makes their keys, and stops there. */
  only?: string[];
  /** Compile the contracts; true by default. */
  solidity?: boolean;
  places?: Places;
}

export interface SetupResult {
  /** Whether everything had been made before. */
  upToDate: boolean;
  seconds: number;
  /** What the circuits and keys are now; undefined for a set-up of some instances only. */
  manifest?: Manifest;
}

/** A set-up that cannot go on, with one line per reason. */
export class SetupError extends Error {
  readonly lines: string[];
  constructor(lines: string[]) {
    super(lines.join("\n"));
    this.name = "SetupError";
    this.lines = lines;
  }
}

const require = createRequire(import.meta.url);

/**
 * Brings dependencies, circuits, development keys, key contract and compiled contracts up to date, doing only what is missing. Safe to
 * kill at any point and to run twice at once.
 * @throws SetupError when what was made differs from the committed manifest; Error when a step fails
 */
export async function runSetup(options: SetupOptions = {}): Promise<SetupResult> {
  const start = performance.now();
  const { places = PLACES, only, quiet = false, updateManifest = false, solidity = true } = options;
  const { installed, bootstrap } = require("../bootstrap.cjs");
  if (places === PLACES && !installed()) bootstrap();
  const instances = selectInstances(readInstances(places.instances), only);
  const partial = only !== undefined;
  let state = readState(instances, places);
  const upToDate = everythingMade(state, places, { partial, solidity });
  if (!upToDate) {
    const { runSteps } = await import("./steps.ts");
    const onWait = (): void => {
      if (!quiet) console.error("Another set-up is running; waiting for it.");
    };
    await withLock(places.build, onWait, async () => {
      removeLeftovers(places.build);
      state = readState(instances, places);
      await runSteps(state, places, { partial, solidity, quiet });
    });
  }
  const seconds = (): number => (performance.now() - start) / 1000;
  if (partial || !isComplete(state)) return { upToDate, seconds: seconds() };
  const manifest = makeManifest(instances, state.circuits, state.keys);
  if (updateManifest) writeManifest(places.manifest, manifest);
  const differences = manifestDifferences(readManifest(places.manifest), manifest);
  if (differences.length > 0) {
    const cure =
      "If the change is meant, run `npm run setup -- --update-manifest` and commit circuits/manifest.json.";
    throw new SetupError([...differences.map((line) => `manifest: ${line}`), cure]);
  }
  return { upToDate, seconds: seconds(), manifest };
}

function selectInstances<T extends { name: string }>(instances: T[], only: string[] | undefined): T[] {
  const unknown = only?.find((name) => !instances.some((instance) => instance.name === name));
  if (unknown !== undefined) {
    const names = instances.map((instance) => instance.name).join(", ");
    throw new SetupError([`There is no circuit ${unknown}; there are ${names}.`]);
  }
  return only === undefined ? instances : instances.filter((instance) => only.includes(instance.name));
}

function everythingMade(
  state: State,
  places: Places,
  wanted: { partial: boolean; solidity: boolean },
): boolean {
  if (!isComplete(state)) return false;
  if (wanted.partial) return true;
  return keysContractIsCurrent(state, places) && (!wanted.solidity || contractsCompiled(places));
}

function keysContractIsCurrent(state: State, places: Places): boolean {
  if (!isComplete(state) || !existsSync(places.keysContract)) return false;
  const keys = state.instances.map(({ name }, index) => ({
    name,
    key: JSON.parse(readFileSync(verifyingKeyFile(places.build, name), "utf8")),
    hash: state.keys[index].verifyingKeyHash,
  }));
  return readFileSync(places.keysContract, "utf8") === keysContract(keys);
}
