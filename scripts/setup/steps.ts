import { Listr, type ListrTask, PRESET_TIMER } from "listr2";
import { compileCircuit } from "./circuits.ts";
import { KEY_WORKERS, type KeyPool, keyPool } from "./keyPool.ts";
import { makeKey } from "./keys.ts";
import { writeKeysContract } from "./keysContract.ts";
import { readManifest } from "./manifest.ts";
import type { Places } from "./paths.ts";
import { compileContracts, contractsCompiled } from "./solidity.ts";
import { isComplete, type State } from "./state.ts";

/** What to do besides circuits and keys. */
export interface StepOptions {
  /** Skip the key contract and the Solidity build: only some instances were asked for. */
  partial: boolean;
  /** Build the contracts. */
  solidity: boolean;
  quiet: boolean;
}

/** Makes all that is missing, showing each step and its time on standard error. Fills `state` as it goes. */
export async function runSteps(
  state: State,
  places: Places,
  { partial, solidity, quiet }: StepOptions,
): Promise<void> {
  const pool = keyPool();
  const tasks: ListrTask[] = [
    circuitsStep(state, places),
    keysStep(state, places, pool),
    {
      title: "Verifying-key contract",
      skip: partial,
      task: (_, task) => {
        if (!isComplete(state)) throw new Error("keys are missing");
        const hashes = state.keys.map((key) => key.verifyingKeyHash);
        if (!writeKeysContract(state.instances, hashes, places)) task.skip("up to date");
      },
    },
    {
      title: "Solidity",
      skip: () => partial || !solidity || (contractsCompiled(places) && "up to date"),
      task: () => compileContracts(places),
    },
  ];
  const list = new Listr(tasks, {
    concurrent: false,
    silentRendererCondition: quiet,
    fallbackRendererCondition: () => !process.stderr.isTTY,
    fallbackRenderer: "simple",
    rendererOptions: { timer: PRESET_TIMER, collapseSubtasks: false },
    fallbackRendererOptions: { timer: PRESET_TIMER },
  });
  try {
    await list.run();
  } finally {
    pool.close();
  }
}

/**
 * Places of the instances, the largest first, so that parallel workers end at about the same time. Sizes are the committed manifest's:
 * near enough, and known before anything is compiled.
 */
function largestFirst(state: State, places: Places): number[] {
  const manifest = readManifest(places.manifest);
  const sizeOf = (index: number): number =>
    manifest?.circuits.find(({ name }) => name === state.instances[index].name)?.constraints ?? 0;
  return state.instances.map((_, index) => index).sort((one, other) => sizeOf(other) - sizeOf(one));
}

function circuitsStep(state: State, places: Places): ListrTask {
  return {
    title: "Circuits",
    skip: () => state.circuits.every((facts) => facts !== undefined) && "up to date",
    task: (_, task) =>
      task.newListr(
        largestFirst(state, places).map((index) => ({
          title: `Circuit ${state.instances[index].name}`,
          skip: () => state.circuits[index] !== undefined && "up to date",
          task: async (_context, own) => {
            const facts = await compileCircuit(state.instances[index], places);
            state.circuits[index] = facts;
            own.title += `: ${facts.constraints.toLocaleString("en")} constraints`;
          },
        })),
        { concurrent: 2, exitOnError: true },
      ),
  };
}

function keysStep(state: State, places: Places, pool: KeyPool): ListrTask {
  return {
    title: "Development keys",
    skip: () => state.keys.every((facts) => facts !== undefined) && "up to date",
    task: (_, task) =>
      task.newListr(
        largestFirst(state, places).map((index) => ({
          title: `Key of ${state.instances[index].name}`,
          skip: () => state.keys[index] !== undefined && "up to date",
          task: async () => {
            const circuit = state.circuits[index];
            if (circuit === undefined) throw new Error(`${state.instances[index].name} is not compiled`);
            state.keys[index] = await makeKey(
              state.instances[index],
              circuit,
              state.keyCodeHash,
              places,
              pool,
            );
          },
        })),
        { concurrent: KEY_WORKERS, exitOnError: true },
      ),
  };
}
