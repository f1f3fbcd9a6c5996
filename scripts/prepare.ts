import { runSetup, SetupError } from "./setup/index.ts";

/** Makes what is missing; ends the process with 1, and the reason, when it can't. */
export async function prepare(): Promise<void> {
  try {
    await runSetup();
  } catch (error) {
    const lines = error instanceof SetupError ? error.lines : [String(error)];
    for (const line of lines) console.error(`setup: ${line}`);
    process.exit(1);
  }
}
