import { Command } from "commander";
import { type ChainPlace, withReading } from "../../services/chain/reading.ts";
import { auditLedger } from "../../verifier/ledgerAudit.ts";
import { withChain } from "../account/session.ts";
import { does, examples, type RunState } from "../command.ts";
import { EXIT } from "../exitCode.ts";
import { wholeNumber } from "../marketFlags.ts";
import { table } from "../table.ts";

/** `solvus audit`: an auditor's check of a whole ledger. Exits 1 when any check fails. */
export function auditCommand(state: RunState): Command {
  const command = withChain(new Command("audit"))
    .summary("check a whole ledger from chain data")
    .description(
      "Rebuilds a ledger from its events and recomputes what follows from them: queue, state tree and its roots, each nullifier once, every snapshot's root, published openings, the insurance fund's payments, and that the tokens held cover what public flows left. Trusts nobody and needs no secret. Exits 0 only when every check passes.",
    )
    .option("--block <number>", "block as of which to audit (default: the latest)")
    .addHelpText("after", examples(["a ledger today", "solvus audit --deployment dev/deployment.json"]));
  return does(command, state, (options: ChainPlace & { block?: string }, output) =>
    withReading(options, async ({ deployed }) => {
      const asked = options.block === undefined ? undefined : wholeNumber(options.block, "--block");
      const { accepted, block, checks } = await auditLedger(deployed.chain, asked);
      const rows = checks.map(({ name, passed, found, expected }) => [
        passed ? "passed" : "FAILED",
        name,
        found,
        passed ? "" : expected,
      ]);
      output.result(
        { accepted, block, checks },
        `${table(["result", "check", "found", "expected"], rows)}\n\n${accepted ? "Accepted" : "Refused"} at block ${block}.`,
      );
      return accepted ? EXIT.done : EXIT.refused;
    }),
  );
}
