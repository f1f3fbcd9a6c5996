import { Command } from "commander";
import { Contract, getAddress, isAddress, type Signer } from "ethers";
import { Misuse, SolvusError } from "../../protocol/errors.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import type { TransitionRequest } from "../../protocol/transition.ts";
import { throughEpochs } from "../../services/account/again.ts";
import { relay, relayedTerms, withPayerSignature } from "../../services/account/relayed.ts";
import {
  approve,
  NOTHING,
  proveTransition,
  type ReadyTransition,
  submit,
} from "../../services/account/transact.ts";
import { abiOf } from "../../services/chain/artifacts.ts";
import type { Deployed } from "../../services/chain/deployment.ts";
import { flowSnapshot, withReading } from "../../services/chain/reading.ts";
import { registryOf } from "../../services/chain/registryFile.ts";
import { listed, lotsOf } from "../account/amounts.ts";
import { type ModeName, modeOf, modeOption } from "../account/mode.ts";
import {
  mostFeeOf,
  type RelayerOptions,
  relayedFigures,
  relayerOf,
  withRelayer,
} from "../account/relayer.ts";
import {
  type AccountOptions,
  secretsOf,
  senderOf,
  spendableAccount,
  withAccount,
  withProver,
  withSender,
} from "../account/session.ts";
import { does, examples, type RunState } from "../command.ts";
import { usdcAmount } from "../marketFlags.ts";
import type { Output } from "../output.ts";

interface FlowOptions extends AccountOptions, RelayerOptions {
  amount: string;
  mode: ModeName;
  asset?: string;
  to?: string;
}

const FLAGS =
  "--deployment dev/deployment.json --keystore alder.json --password-file alder.pass --key-file dev/alice.key";
const AMOUNT = "dollars of cash, or units of the asset (whole lots)";

export function depositCommand(state: RunState): Command {
  const command = withRelayer(withSender(withAccount(new Command("deposit"))))
    .summary("pay cash or a spot asset in")
    .description(
      "Proves and submits a deposit. The sender pays it: the token's allowance is given for the exact amount. With --relayer the sender signs the deposit and the relayer submits it.",
    )
    .requiredOption("--amount <number>", AMOUNT)
    .option("--asset <instrument>", "a spot instrument such as BTC-SPOT (default: cash, USDC)")
    .addOption(modeOption("normal", "reduce-only"))
    .addHelpText(
      "after",
      examples(
        ["10,000 USDC", `solvus account deposit ${FLAGS} --amount 10000`],
        ["2 bitcoin as collateral", `solvus account deposit ${FLAGS} --amount 2 --asset BTC-SPOT`],
      ),
    );
  return does(command, state, (options: FlowOptions, output) => flow(options, output, "deposit"));
}

export function withdrawCommand(state: RunState): Command {
  const command = withRelayer(withSender(withAccount(new Command("withdraw"))))
    .summary("take cash or a spot asset out")
    .description(
      "Proves and submits a withdrawal, which leaves the account above initial margin. An account of cash and spot alone may leave in mode exit at any time; after a week without a snapshot, mode wind-down turns every position into cash at its last mark. With --relayer and --to no key is needed.",
    )
    .requiredOption("--amount <number>", AMOUNT)
    .option("--asset <instrument>", "a spot instrument such as BTC-SPOT (default: cash, USDC)")
    .option("--to <address>", "who receives it (default: the sender)")
    .addOption(modeOption("normal", "exit", "wind-down"))
    .addHelpText("after", examples(["500 USDC", `solvus account withdraw ${FLAGS} --amount 500`]));
  return does(command, state, (options: FlowOptions, output) => flow(options, output, "withdrawal"));
}

/** Asset id and amount (micro-USDC or lots) of the options. */
function amountOf(
  { amount, asset }: FlowOptions,
  snapshot: MarketSnapshot,
): { asset: bigint; amount: bigint } {
  if (asset === undefined) return { asset: 0n, amount: usdcAmount(amount, "--amount") };
  const instrument = listed(snapshot, asset);
  const lots = lotsOf(amount, instrument, "--amount");
  if (lots < 0n)
    throw new Misuse("cli.amount", `--amount is ${JSON.stringify(amount)}, expected an amount of at least 0`);
  return { asset: instrument.id, amount: lots };
}

async function approveDeposit(
  deployed: Deployed,
  sender: Signer,
  { asset, amount }: { asset: bigint; amount: bigint },
): Promise<void> {
  const [token, unit] = await deployed.ledger.assetOf(asset);
  if (unit === 0n)
    throw new SolvusError("ledger.AssetNotListed", `asset is ${asset}, expected one that the ledger lists`);
  await approve(
    deployed.ledger,
    sender,
    new Contract(token, abiOf("token"), deployed.provider),
    amount * unit,
  );
}

async function flow(
  options: FlowOptions,
  output: Output,
  direction: "deposit" | "withdrawal",
): Promise<void> {
  if (options.to !== undefined && !isAddress(options.to))
    throw new Misuse("cli.address", `--to is ${JSON.stringify(options.to)}, expected an address`);
  const mostFee = mostFeeOf(options);
  await withReading(options, async (reading) => {
    const { deployed } = reading;
    const relayer = relayerOf(options);
    // Somebody else submits, somebody else is paid: nothing for a key to sign.
    const keyless = relayer !== undefined && direction === "withdrawal" && options.to !== undefined;
    const sender = keyless ? undefined : senderOf(options, deployed);
    const { asset, amount } = amountOf(options, await reading.latest());
    const secrets = await secretsOf(options, deployed);
    const account = await spendableAccount(reading, secrets, options, output);
    // A withdrawal shows no membership, so it names no registry.
    const registry = direction === "deposit" ? await registryOf(deployed, options.registry) : undefined;
    const address = await sender?.getAddress();
    await withProver(deployed, async (prover) => {
      await prover.warm(["transition.small"]);
      const prove = async (): Promise<ReadyTransition> => {
        const snapshot = await flowSnapshot(reading);
        output.log(`Proving the ${direction} at epoch ${snapshot.epoch}…`);
        const terms = relayer && (await relayedTerms(relayer, deployed, mostFee));
        const fee = terms?.fee ?? 0n;
        const request: TransitionRequest = {
          ...NOTHING,
          ...{ mode: modeOf(options), fee, asset, [direction]: amount },
        };
        return proveTransition(deployed, prover, account, request, {
          snapshot,
          registry,
          ...(terms && { relayer: terms.relayer }),
          ...(direction === "deposit"
            ? { payer: address as string }
            : { recipient: getAddress(options.to ?? (address as string)) }),
        });
      };
      const proveAndSubmit = async (): Promise<void> => {
        const { proven, proveSeconds } = await prove();
        if (direction === "deposit") await approveDeposit(deployed, sender as Signer, { asset, amount });
        const about = { [direction]: amount, asset, proveSeconds };
        if (relayer === undefined) {
          const { hash, gasUsed } = await submit(deployed, sender as Signer, proven);
          report(output, direction, hash, { transaction: hash, gas: Number(gasUsed), ...about });
          return;
        }
        const isDeposit = direction === "deposit";
        const transition = isDeposit ? await withPayerSignature(deployed, sender as Signer, proven) : proven;
        output.log("The relayer has it next…");
        const relayed = await relay(relayer, deployed, { kind: "transition", transition });
        const { fee } = transition.signals;
        report(output, direction, relayed.transaction, { ...relayedFigures(relayed), fee, ...about });
      };
      await throughEpochs(proveAndSubmit, () => output.log("The epoch has passed meanwhile."));
    });
  });
}

function report(output: Output, direction: string, transaction: string | undefined, value: object): void {
  output.result(value, `The ${direction} is done (transaction ${transaction}).`);
}
