import { Command } from "commander";
import { formatUsdc } from "../../protocol/fixedPoint.ts";
import { approve } from "../../services/account/transact.ts";
import type { Deployed } from "../../services/chain/deployment.ts";
import { type ChainPlace, withReading } from "../../services/chain/reading.ts";
import { fundLimits } from "../../services/keeper/takeOver.ts";
import { senderOf, withChain } from "../account/session.ts";
import { does, examples, type RunState } from "../command.ts";
import { usdcAmount } from "../marketFlags.ts";
import { dollars } from "../table.ts";

/** `solvus fund`: the insurance fund. */
export function fundCommand(state: RunState): Command {
  const command = new Command("fund").description("show the insurance fund, or pay into it");
  for (const make of [statusCommand, depositCommand]) command.addCommand(make(state));
  return command;
}

/** The fund as its contract says. Amounts in micro-USDC, times in Unix seconds. */
async function statusOf(deployed: Deployed) {
  const { fund, oracle } = deployed;
  const [, { epoch }] = await oracle.latest();
  const { balance, rewardLeft } = await fundLimits(deployed, epoch);
  const floor: bigint = await fund.floor();
  const uncovered: bigint = await fund.uncovered();
  const claims: bigint = await fund.totalClaims();
  const isBelowFloor: boolean = await fund.isBelowFloor();
  const isImpaired: boolean = await fund.isImpaired();
  const lockedUntil: bigint = await fund.lockedUntil();
  return { balance, floor, rewardLeft, uncovered, claims, isBelowFloor, isImpaired, lockedUntil };
}

function statusCommand(state: RunState): Command {
  const command = withChain(new Command("status"))
    .summary("balance, floor, debts and locks")
    .description(
      "Shows what the insurance fund holds, what it may still pay as rewards in this epoch, what it has not covered, and whether withdrawals are locked.",
    )
    .addHelpText("after", examples(["now", "solvus fund status --deployment dev/deployment.json"]));
  return does(command, state, (options: ChainPlace, output) =>
    withReading(options, async ({ deployed }) => {
      const status = await statusOf(deployed);
      const { balance, floor, rewardLeft, uncovered, claims, isBelowFloor, isImpaired, lockedUntil } = status;
      output.result(
        {
          balanceUsd: formatUsdc(balance),
          floorUsd: formatUsdc(floor),
          belowFloor: isBelowFloor,
          rewardLeftUsd: formatUsdc(rewardLeft),
          uncoveredUsd: formatUsdc(uncovered),
          claimsUsd: formatUsdc(claims),
          impaired: isImpaired,
          withdrawalsLockedUntil: lockedUntil === 0n ? null : Number(lockedUntil),
        },
        [
          `balance ${dollars(balance)} USDC, floor ${dollars(floor)}${isBelowFloor ? ": BELOW ITS FLOOR, the ledger admits no new risk" : ""}`,
          `rewards of this epoch: up to ${dollars(rewardLeft)}`,
          `uncovered deficit ${dollars(uncovered)}, claims ${dollars(claims)}`,
          isImpaired
            ? `IMPAIRED: withdrawals are locked until ${new Date(Number(lockedUntil) * 1000).toISOString()}, then paid in proportion`
            : "withdrawals are paid in full",
        ].join("\n"),
      );
    }),
  );
}

interface DepositOptions extends ChainPlace {
  keyFile?: string;
  amount: string;
}

function depositCommand(state: RunState): Command {
  const command = withChain(new Command("deposit"))
    .summary("pay cash into the fund")
    .description(
      "Pays USDC into the insurance fund; anybody may. While there is a deficit or a claim, it covers these first. There is no way to take it back.",
    )
    .requiredOption("--amount <usd>", "dollars")
    .option("--key-file <file>", "file with the private key that sends and pays (default: SOLVUS_SENDER_KEY)")
    .addHelpText(
      "after",
      examples([
        "10,000 USDC",
        "solvus fund deposit --deployment dev/deployment.json --key-file dev/alice.key --amount 10000",
      ]),
    );
  return does(command, state, async (options: DepositOptions, output) => {
    const amount = usdcAmount(options.amount, "--amount");
    await withReading(options, async ({ deployed }) => {
      const { fund, usdc } = deployed;
      const sender = senderOf(options, deployed);
      await approve(fund, sender, usdc, amount);
      const receipt = await (await (fund.connect(sender) as Deployed["fund"]).deposit(amount)).wait();
      const balance: bigint = await fund.balance();
      output.result(
        {
          deposit: amount,
          balanceUsd: formatUsdc(balance),
          transaction: receipt.hash,
          gas: Number(receipt.gasUsed),
        },
        `${dollars(amount)} USDC are paid in (transaction ${receipt.hash}); the fund holds ${dollars(balance)}.`,
      );
    });
  });
}
