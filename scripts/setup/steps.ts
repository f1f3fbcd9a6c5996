import { Listr, type ListrTask, PRESET_TIMER } from "listr2";
import { compileCircuit } from "./circuits.ts";
import { KEY_WORKERS, type KeyPool, keyPool } from "./keyPool.ts";
import { makeKey } from "./keys.ts";
import { writeKeysContract } from "./keysContract.ts";
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

function circuitsStep(state: State, places: Places): ListrTask {
  return {
    title: "Circuits",
    skip: () => state.circuits.every((facts) => facts !== undefined) && "up to date",
    task: (_, task) =>
      task.newListr(
        state.instances.map((instance, index) => ({
          title: `Circuit ${instance.name}`,
          skip: () => state.circuits[index] !== undefined && "up to date",
          task: async (_context, own) => {
            const facts = await compileCircuit(instance, places);
            state.circuits[index] = facts;
            own.title = `Circuit ${instance.name}: ${facts.constraints.toLocaleString("en")} constraints`;
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
    task: (_, task) => {
      // The largest first, so that the workers end at about the same time.
      const order = state.instances
        .map((instance, index) => ({ instance, index, size: state.circuits[index]?.constraints ?? 0 }))
        .sort((one, other) => other.size - one.size);
      return task.newListr(
        order.map(({ instance, index }) => ({
          title: `Key of ${instance.name}`,
          skip: () => state.keys[index] !== undefined && "up to date",
          task: async () => {
            const circuit = state.circuits[index];
            if (circuit === undefined) throw new Error(`${instance.name} is not compiled`);
            state.keys[index] = await makeKey(instance, circuit, state.keyCodeHash, places, pool);
          },
        })),
        { concurrent: KEY_WORKERS, exitOnError: true },
      );
    },
  };
}
