import { Command } from "commander";
import { ensure } from "../../protocol/errors.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { clearFlag } from "../../services/account/clear.ts";
import { withReading } from "../../services/chain/reading.ts";
import { activeFlag } from "../../services/keeper/watch.ts";
import {
  type AccountOptions,
  secretsOf,
  senderOf,
  spendableAccount,
  withAccount,
  withProver,
} from "../account/session.ts";
import { does, examples, type RunState } from "../command.ts";

/** `solvus account clear`: an owner ends the flag of his account. */
export function clearCommand(state: RunState): Command {
  const command = withAccount(new Command("clear"))
    .summary("end a liquidation flag, once the account meets its margin again")
    .description(
      "Proves to the auction that the account's equity is at least its maintenance margin at the latest snapshot, which ends its flag and the auction's clock. A deposit, too, ends a flag: it spends the flagged note.",
    )
    .option("--key-file <file>", "file with the private key that sends (default: SOLVUS_SENDER_KEY)")
    .option("--wait <seconds>", "how long to wait for the account's note to be in the state tree", "120")
    .addHelpText(
      "after",
      examples([
        "account 1",
        "solvus account clear --deployment dev/deployment.json --keystore alder.json --password-file alder.pass --key-file dev/alice.key",
      ]),
    );
  return does(command, state, (options: AccountOptions, output) =>
    withReading(options, async (reading) => {
      const { deployed } = reading;
      const sender = senderOf(options, deployed);
      const secrets = await secretsOf(options, deployed);
      const account = await spendableAccount(reading, secrets, options, output);
      const { leafIndex, note } = account;
      ensure(
        (await activeFlag(deployed, leafIndex)) !== undefined,
        "account.notFlagged",
        `account ${secrets.number}: no flag on its note at place ${leafIndex}, expected one that has not lapsed`,
      );
      const done = await withProver(deployed, async (prover) => {
        await prover.warm(["solvency.small"]);
        const snapshot = await reading.latest();
        output.log(`Proving solvency at epoch ${snapshot.epoch}…`);
        return clearFlag(deployed, prover, sender, account, { view: await reading.view(), snapshot });
      });
      const { equity, margin } = standingOf(note, await reading.latest());
      const { hash, gasUsed } = done.receipt;
      output.result(
        {
          number: Number(secrets.number),
          place: leafIndex,
          equityMicroUsdc: equity,
          maintenanceMarginMicroUsdc: margin.maintenance,
          transaction: hash,
          gas: Number(gasUsed),
          proveSeconds: done.proveSeconds,
        },
        `The flag on account ${secrets.number} is ended (transaction ${hash}).`,
      );
    }),
  );
}
