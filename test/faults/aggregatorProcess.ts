import { Wallet } from "ethers";
import { attach, type Deployment } from "../../services/chain/deployment.ts";
import { connectRpc } from "../../services/chain/rpc.ts";
import { makeLog } from "../../services/log.ts";
import { startAggregator } from "../../services/oracle/aggregator.ts";
import { type Death, runService } from "../support/processes.ts";

export interface AggregatorProcessConfiguration {
  rpc: string;
  deployment: Deployment;
  key: string;
  reporters: string[];
  death?: Death;
}

/** An aggregator in a hurry. */
runService<AggregatorProcessConfiguration, { url: string }>(
  async ({ rpc, deployment, key, reporters }, onStage) => {
    const provider = await connectRpc(rpc);
    const aggregator = await startAggregator({
      reporters,
      deployed: await attach(provider, deployment),
      signer: new Wallet(key, provider),
      log: makeLog("aggregator"),
      rules: { pollMs: 50, answerMs: 10_000, graceMs: 500 },
      onStage,
    });
    return {
      ready: { url: aggregator.url },
      async stop() {
        await aggregator.stop();
        provider.destroy();
      },
    };
  },
);
