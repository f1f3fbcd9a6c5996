import { readFileSync } from "node:fs";
import { Wallet } from "ethers";
import { attach, type Deployment } from "../../services/chain/deployment.ts";
import { connectRpc } from "../../services/chain/rpc.ts";
import { makeLog } from "../../services/log.ts";
import { parseClosesCsv } from "../../services/oracle/closesCsv.ts";
import { closesSource } from "../../services/oracle/closesSource.ts";
import { startReporters } from "../../services/oracle/reporterServer.ts";
import { type Death, runService } from "../support/processes.ts";

export interface ReportersProcessConfiguration {
  rpc: string;
  deployment: Deployment;
  keys: string[];
  /** Recorded closes, CSV. */
  prices: string;
  dataDirectory: string;
  port?: number;
  death?: Death;
}

/** Hosts reporters that all see the recorded prices. */
runService<ReportersProcessConfiguration, { url: string }>(
  async ({ rpc, deployment, keys, prices, dataDirectory, port = 0 }, onStage) => {
    const provider = await connectRpc(rpc);
    const source = closesSource(parseClosesCsv(readFileSync(prices, "utf8")));
    const reporters = await startReporters({
      reporters: keys.map((key) => ({ signer: new Wallet(key, provider), source })),
      deployed: await attach(provider, deployment),
      dataDirectory,
      listen: { port },
      log: makeLog("reporters"),
      onStage,
    });
    return {
      ready: { url: reporters.url },
      async stop() {
        await reporters.stop();
        provider.destroy();
      },
    };
  },
);
