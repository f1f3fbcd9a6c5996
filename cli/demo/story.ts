import type { LocalChain } from "../chain/localChain.ts";
import { dollars } from "../table.ts";
import { auditChain, flagAfterFall, takeOverSlice } from "./liquidationScenes.ts";
import { type FirstMarket, listAssets, openMarket } from "./marketScenes.ts";
import type { Narrator } from "./narrator.ts";
import { attestAfterShock, attestToAuditor, compareViews, refuseBreach } from "./proofScenes.ts";
import { FUND_BALANCE, FUND_FLOOR, type Stage, setStage } from "./stage.ts";
import {
  depositCollateral,
  openAccounts,
  register,
  tradeCallSpread,
  tradePerpetual,
  withdraw,
} from "./tradeScenes.ts";

/** Deploys, then plays the scenes one after another. Closes its prover, whatever happens. */
export async function tellStory(narrator: Narrator, local: LocalChain): Promise<void> {
  const stage = await narrator.step("Start a local chain and deploy the contracts", async (note) => {
    const set = await setStage(local, { openRegistry: false });
    const { ledger, oracle, registry } = set.deployed.deployment;
    const [auction, fund] = await Promise.all(
      [set.deployed.auction, set.deployed.fund].map((c) => c.getAddress()),
    );
    narrator.say(`chain in this process, its clock at ${new Date((await local.now()) * 1000).toISOString()}`);
    narrator.say(
      `ledger ${ledger}\noracle ${oracle}\nregistry ${registry}\nauction ${auction}\nfund ${fund}`,
    );
    narrator.say(
      `The insurance fund starts with ${dollars(FUND_BALANCE)} USDC; below ${dollars(FUND_FLOOR)} the ledger admits no new risk.`,
    );
    narrator.say(
      "The ledger verifies every proof with the keys of the set-up: development keys, for local chains only.",
    );
    note({ ledger, oracle, registry, auction, fund, fundMicroUsdc: FUND_BALANCE });
    return set;
  });
  try {
    await tellScenes(narrator, local, stage);
  } finally {
    await stage.prover.close();
  }
}

async function tellScenes(narrator: Narrator, local: LocalChain, stage: Stage): Promise<void> {
  const first: FirstMarket = await openMarket(narrator, stage);
  const assets = await listAssets(narrator, local, stage, first);
  const { play, ...cast } = await register(narrator, local, stage, first);
  const { alder, birch, cedar } = cast;
  await openAccounts(narrator, play, cast);
  await depositCollateral(narrator, play, alder, birch, assets);
  await tradePerpetual(narrator, play, alder, birch);
  await tradeCallSpread(narrator, play, cast);
  await compareViews(narrator, play, alder, birch);
  await refuseBreach(narrator, play, alder);
  await withdraw(narrator, play, alder);
  const before = await attestToAuditor(narrator, play, alder);
  await attestAfterShock(narrator, play, alder, before);
  const flagged = await flagAfterFall(narrator, play, cedar);
  await takeOverSlice(narrator, play, cedar, flagged);
  await auditChain(narrator, play);
}
