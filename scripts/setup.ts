import { parseArgs } from "node:util";
import { runSetup, SetupError } from "./setup/index.ts";

const HELP = `Usage: npm run setup -- [options]

Brings dependencies, circuits, development keys and contracts up to date. Does only what is missing.

  --update-manifest   rewrite circuits/manifest.json instead of comparing with it
  --only NAME         only this circuit and its key (repeatable)
  --quiet             no progress
  --help              this text`;

const options = {
  "update-manifest": { type: "boolean" },
  only: { type: "string", multiple: true },
  quiet: { type: "boolean" },
  help: { type: "boolean" },
} as const;

try {
  const { values } = parseArgs({ options });
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const { upToDate, seconds } = await runSetup({
    updateManifest: values["update-manifest"],
    only: values.only,
    quiet: values.quiet,
  });
  if (!values.quiet)
    console.error(`Set-up ${upToDate ? "is up to date" : "is complete"} (${seconds.toFixed(1)} s).`);
} catch (error) {
  const misuse = error instanceof TypeError && "code" in error;
  const lines =
    error instanceof SetupError ? error.lines : [error instanceof Error ? error.message : String(error)];
  for (const line of lines) console.error(`setup: ${line}`);
  process.exit(misuse ? 2 : 1);
}
