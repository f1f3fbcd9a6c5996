import type { Contract } from "ethers";
import { snapshotsOf } from "../../protocol/chain.ts";
import { entityOf } from "../../protocol/note.ts";
import { buildRegistry } from "../../protocol/registryTree.ts";
import type { LocalChain } from "../chain/localChain.ts";
import { dollars } from "../table.ts";
import { signedByPayer, signedDeposit, submitTogether } from "./batch.ts";
import { type FirstMarket, instrumentAt } from "./marketScenes.ts";
import type { Narrator } from "./narrator.ts";
import { type Institution, institution } from "./people.ts";
import {
  type Cost,
  change,
  deposit,
  open,
  type Play,
  packageOf,
  proveSides,
  trade,
  writeQueue,
} from "./play.ts";
import type { ListedAsset, Stage } from "./stage.ts";

const USDC = 1_000_000n;
/** Epoch up to which the demo's institutions are members. */
const MEMBER_UNTIL = 1_000_000n;

const costLine = ({ proveSeconds, gasUsed }: Cost, what: string): string =>
  `${what}: proven in ${proveSeconds.toFixed(1)} s, ${gasUsed.toLocaleString("en-US")} gas`;

async function write(narrator: Narrator, play: Play): Promise<{ insertionGas: number }> {
  const { gasUsed } = await writeQueue(play);
  narrator.say(
    `half a minute later the node of new notes is sealed, proven and written (${gasUsed.toLocaleString("en-US")} gas)`,
  );
  return { insertionGas: Number(gasUsed) };
}

/** The institutions of the story. */
export interface Cast {
  alder: Institution;
  birch: Institution;
  /** The keeper. */
  cedar: Institution;
}

/** The compliance officer lists the institutions by their entities, which are hashes. */
export function register(
  narrator: Narrator,
  local: LocalChain,
  stage: Stage,
  { market }: FirstMarket,
): Promise<{ play: Play } & Cast> {
  return narrator.step("Register three institutions", async (note) => {
    const { deployed, traders, keeper, admin } = stage;
    const { chain } = deployed;
    const scope = { chainId: chain.chainId, ledger: chain.ledger };
    const alder = institution("Alder Fund", traders[0] as (typeof traders)[0], scope);
    const birch = institution("Birch Desk", traders[1] as (typeof traders)[0], scope);
    const cedar = institution("Cedar Capital", keeper, scope);
    const entries = [alder, birch, cedar].map(({ secrets }) => ({
      entity: entityOf(secrets.entitySecret),
      expiryEpoch: MEMBER_UNTIL,
    }));
    const registry = buildRegistry(entries);
    await (await (deployed.registry.connect(admin) as Contract).postRoot(0n, registry.root, false)).wait();
    narrator.say(
      "The compliance officer posts the root of a registry that lists Alder Fund, Birch Desk and Cedar Capital, a keeper.",
    );
    note({ institutions: [alder.name, birch.name, cedar.name], registryRoot: registry.root });
    const play = { ...stage, local, market, registry, snapshots: snapshotsOf(chain) };
    return { play, alder, birch, cedar };
  });
}

export function openAccounts(narrator: Narrator, play: Play, { alder, birch, cedar }: Cast): Promise<void> {
  return narrator.step("Open an account for each", async (note) => {
    for (const owner of [alder, birch, cedar]) {
      const cost = await open(play, owner);
      narrator.say(costLine(cost, owner.name));
      note({ [owner.name]: { proveSeconds: cost.proveSeconds, gas: Number(cost.gasUsed) } });
    }
    narrator.say("each proves membership and escrows its viewing secret to the risk committee");
    note(await write(narrator, play));
  });
}

export function depositCollateral(
  narrator: Narrator,
  play: Play,
  alder: Institution,
  birch: Institution,
  assets: readonly ListedAsset[],
): Promise<void> {
  return narrator.step("Deposit: cash for one, bitcoin for the other", async (note) => {
    const bitcoin = assets.find(({ name }) => name === "BTC") as ListedAsset;
    const cash = await deposit(play, alder, 40_000n * USDC);
    narrator.say(costLine(cash, `${alder.name} deposits 40,000 USDC`));
    const coins = await deposit(play, birch, 200n, bitcoin);
    narrator.say(costLine(coins, `${birch.name} deposits 20 BTC (200 lots)`));
    note({ depositGas: Number(cash.gasUsed), spotDepositGas: Number(coins.gasUsed) });
    note(await write(narrator, play));
  });
}

export function tradePerpetual(
  narrator: Narrator,
  play: Play,
  alder: Institution,
  birch: Institution,
): Promise<void> {
  return narrator.step("Trade a perpetual in private", async (note) => {
    const { id, mark } = instrumentAt(play.market.snapshot, "BTC-PERPETUAL");
    const lots = 100n;
    const cost = await trade(play, [alder, birch], packageOf([{ id, size: lots }], -lots * mark));
    narrator.say(
      `${alder.name} buys 10 BTC of BTC-PERPETUAL from ${birch.name} at the mark, ${dollars(10n * mark)}.`,
    );
    narrator.say(costLine(cost, "each proves its own side, the contract takes the two together"));
    note({ instrument: "BTC-PERPETUAL", lots, proveSeconds: cost.proveSeconds, gas: Number(cost.gasUsed) });
    note(await write(narrator, play));
  });
}

/** What the keeper puts into its account. */
const KEEPER_CASH = 100_000n * USDC;
/** With which Birch pays for the calls that it buys: premiums of those that it sells are held back while it owes them. */
const BIRCH_CASH = 5_000n * USDC;

export function tradeCallSpread(
  narrator: Narrator,
  play: Play,
  { alder, birch, cedar }: Cast,
): Promise<void> {
  return narrator.step("A batch: a call spread as one package, and a stranger's deposit", async (note) => {
    const { snapshot } = play.market;
    const bought = instrumentAt(snapshot, "BTC-26JUN20-10000-C");
    const sold = instrumentAt(snapshot, "BTC-26JUN20-12000-C");
    const lots = 150n;
    const premium = lots * (bought.mark - sold.mark);
    const legs = [
      { id: bought.id, size: lots },
      { id: sold.id, size: -lots },
    ];
    const agreed = packageOf(legs, -premium);
    const { sides, proveSeconds } = await proveSides(play, [alder, birch], agreed, [0n, BIRCH_CASH]);
    const paid = await signedByPayer(play, birch, sides[1]);
    const deposited = await signedDeposit(play, cedar, KEEPER_CASH);
    const { gasUsed, aloneGas } = await submitTogether(play, [sides[0], paid], deposited.proven);
    narrator.say(
      `${alder.name} buys 15 BTC-26JUN20-10000-C and sells 15 BTC-26JUN20-12000-C for ${dollars(premium)} USDC in all.`,
    );
    narrator.say(
      `${birch.name} deposits ${dollars(BIRCH_CASH)} USDC with its side: premiums of calls that it owes do not pay for those that it buys`,
    );
    narrator.say(
      `${cedar.name} deposits ${dollars(KEEPER_CASH)} USDC, signed for whoever submits it: all proven in ${(proveSeconds + deposited.proveSeconds).toFixed(1)} s`,
    );
    narrator.say(
      `a relayer submits both sides and the deposit in one transaction, three proofs verified at once: ${gasText(gasUsed)} gas`,
    );
    narrator.say(
      `measured on the same chain, set back afterwards: the trade and the deposit alone take ${gasText(aloneGas)}; the batch saves ${percentSaved(gasUsed, aloneGas)}`,
    );
    note({ instruments: ["BTC-26JUN20-10000-C", "BTC-26JUN20-12000-C"], lots: [lots, -lots] });
    note({ premiumMicroUsdc: premium, proveSeconds: proveSeconds + deposited.proveSeconds });
    note({ batchGas: Number(gasUsed), aloneGas: Number(aloneGas) });
    note(await write(narrator, play));
  });
}

const gasText = (gas: bigint): string => gas.toLocaleString("en-US");

const percentSaved = (gas: bigint, alone: bigint): string =>
  `${((1 - Number(gas) / Number(alone)) * 100).toFixed(0)}%`;

/** A withdrawal within the rules. */
export function withdraw(narrator: Narrator, play: Play, owner: Institution): Promise<void> {
  return narrator.step("Withdraw what the rules allow", async (note) => {
    const cost = await change(play, owner, { withdrawal: 5_000n * USDC });
    narrator.say(costLine(cost, `${owner.name} withdraws 5,000 USDC`));
    note({ withdrawalMicroUsdc: 5_000n * USDC, gas: Number(cost.gasUsed) });
    note(await write(narrator, play));
  });
}
