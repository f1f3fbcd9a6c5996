import { Wallet } from "ethers";
import { attach } from "../../services/chain/deployment.ts";
import { connectRpc } from "../../services/chain/rpc.ts";
import { relayerClient } from "../../services/relayer/client.ts";
import type { Item } from "../../services/relayer/items.ts";
import { type RelayerConfig, startRelayer } from "../../services/relayer/relayer.ts";
import type { Running } from "../../services/running.ts";
import type { StorePlace } from "../../services/store/store.ts";
import { HURRIED } from "./engineRun.ts";
import { believedProver, type FaultStage, silentLog } from "./stage.ts";

/** Starts a relayer in this process that believes proofs, as the stage's ledger does. */
export async function startBelieving(
  stage: FaultStage,
  store: StorePlace,
  overrides: Partial<RelayerConfig> = {},
): Promise<Running & { url: string }> {
  const provider = await connectRpc(stage.rpc.url);
  const relayer = await startRelayer({
    deployed: await attach(provider, stage.deployment),
    signer: new Wallet(stage.relayerKeys[0] as string, provider),
    store,
    rules: HURRIED,
    verify: async () => true,
    prover: believedProver(),
    log: silentLog(),
    ...overrides,
  });
  return {
    url: relayer.url,
    async stop() {
      await relayer.stop();
      provider.destroy();
    },
  };
}

/** Hands every item in at once, each as often as `copies` says, and waits until all are final. Returns how many were new. */
export async function flood(url: string, items: readonly Item[], copies: number): Promise<number> {
  const client = relayerClient(url, { patienceMs: 300_000, requestMs: 60_000 });
  const answers = await Promise.all(
    items.flatMap((item) => Array.from({ length: copies }, () => client.submit(item))),
  );
  for (const id of new Set(answers.map((answer) => answer.id))) await client.wait(id, ["final"], 300_000);
  return answers.filter(({ isNew }) => isNew).length;
}
