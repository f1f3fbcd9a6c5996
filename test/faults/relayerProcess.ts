import { Wallet } from "ethers";
import { attach, type Deployment } from "../../services/chain/deployment.ts";
import { connectRpc } from "../../services/chain/rpc.ts";
import { makeLog } from "../../services/log.ts";
import { startRelayer } from "../../services/relayer/relayer.ts";
import type { StorePlace } from "../../services/store/store.ts";
import { type Death, runService } from "../support/processes.ts";
import { HURRIED } from "./engineRun.ts";
import { believedProver } from "./stage.ts";

export interface RelayerProcessConfiguration {
  rpc: string;
  deployment: Deployment;
  key: string;
  store: StorePlace;
  port?: number;
  death?: Death;
}

/** A whole relayer that believes proofs, as the stage's ledger does. */
runService<RelayerProcessConfiguration, { url: string }>(
  async ({ rpc, deployment, key, store, port = 0 }, onStage) => {
    const provider = await connectRpc(rpc);
    const relayer = await startRelayer({
      deployed: await attach(provider, deployment),
      signer: new Wallet(key, provider),
      store,
      listen: { port },
      rules: HURRIED,
      verify: async () => true,
      prover: believedProver(),
      log: makeLog("relayer"),
      onStage,
    });
    return {
      ready: { url: relayer.url },
      async stop() {
        await relayer.stop();
        provider.destroy();
      },
    };
  },
);
