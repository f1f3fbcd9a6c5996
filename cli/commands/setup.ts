import { Command } from "commander";
import { SolvusError } from "../../protocol/errors.ts";
import { runSetup, SetupError } from "../../scripts/setup/index.ts";
import { does, examples, type RunState } from "../command.ts";

/** `solvus setup`: circuits, development keys, contracts. */
export function setupCommand(state: RunState): Command {
  const command = new Command("setup")
    .summary("make circuits, development keys and contracts")
    .description(
      "Brings circuits, development keys, the key contract and the compiled contracts up to date; does only what is missing. Safe to interrupt. The development keys are insecure by design and refused on any chain that is not local.",
    )
    .option("--update-manifest", "rewrite circuits/manifest.json instead of comparing with it")
    .addHelpText("after", examples(["once, and after a change of a circuit", "solvus setup"]));
  return does(command, state, async (options: { updateManifest?: boolean }, output) => {
    try {
      const { upToDate, seconds } = await runSetup({ updateManifest: options.updateManifest ?? false });
      output.result(
        { upToDate, seconds },
        `Set-up ${upToDate ? "is up to date" : "is complete"} (${seconds.toFixed(1)} s).`,
      );
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      for (const line of error.lines.slice(1)) output.log(line);
      throw new SolvusError("setup.refused", error.lines[0] as string);
    }
  });
}
