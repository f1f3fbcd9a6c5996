import type { Contract } from "ethers";
import { type Check, equal } from "./checks.ts";
import { type Configuration, committeeKeyIn, reportersOf } from "./configuration.ts";

/** The contracts of a deployment, attached. */
export interface Attached {
  verifier: Contract;
  timelock: Contract;
  cash: Contract;
  oracle: Contract;
  registry: Contract;
  auction: Contract;
  fund: Contract;
  ledger: Contract;
}

/** Which contract each contract relies on. */
async function wiring(contracts: Attached, addresses: Record<keyof Attached, string>): Promise<Check[]> {
  const links: [from: keyof Attached, getter: string, to: keyof Attached][] = [
    ["ledger", "verifier", "verifier"],
    ["ledger", "oracle", "oracle"],
    ["ledger", "registry", "registry"],
    ["ledger", "auction", "auction"],
    ["ledger", "fund", "fund"],
    ["auction", "ledger", "ledger"],
    ["auction", "oracle", "oracle"],
    ["auction", "verifier", "verifier"],
    ["fund", "ledger", "ledger"],
    ["fund", "cash", "cash"],
  ];
  return Promise.all(
    links.map(async ([from, getter, to]) =>
      equal(`${from}.${getter}`, await contracts[from].getFunction(getter)(), addresses[to]),
    ),
  );
}

/** What was decided about the deployment. What its holders may change later is checked as it was decided: run this before they do. */
async function decisions(
  { ledger, oracle, registry, fund, timelock, cash }: Attached,
  configuration: Configuration,
  cashAddress: string,
): Promise<Check[]> {
  const reporters = (await oracle.reporters()).map((reporter: { account: string; currency: string }) => [
    reporter.account,
    reporter.currency,
  ]);
  const listing = await ledger.assetOf(0);
  return [
    equal("ledger.cash", [listing[0], listing[1]], [cashAddress, 1n]),
    equal("cash.decimals", await cash.decimals(), 6n),
    equal("ledger.committeeKey", [...(await ledger.committeeKey())], [...committeeKeyIn(configuration)]),
    equal("ledger.emergency", await ledger.emergency(), false),
    equal("registry.isOpen", await registry.isOpen(), configuration.openRegistry),
    equal(
      "oracle.reporters",
      reporters,
      reportersOf(configuration).map(({ account, currency }) => [account, currency]),
    ),
    equal("fund.floor", await fund.getFunction("floor")(), BigInt(configuration.fundFloorMicroUsdc)),
    equal("timelock.delay", await timelock.getMinDelay(), BigInt(configuration.timelock.delaySeconds)),
  ];
}

/** Wiring and parameters of a deployment, read from the chain. */
export async function parameterChecks(
  contracts: Attached,
  addresses: Record<keyof Attached, string>,
  configuration: Configuration,
): Promise<Check[]> {
  return [
    ...(await wiring(contracts, addresses)),
    ...(await decisions(contracts, configuration, addresses.cash)),
  ];
}
