import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Contract, type InterfaceAbi, Wallet } from "ethers";
import type { AccountSecrets } from "../../prover/secrets.ts";
import { ROOT } from "../../scripts/setup/paths.ts";
import { attach, type Deployment } from "../../services/chain/deployment.ts";
import { connectRpc } from "../../services/chain/rpc.ts";
import { startKeeper } from "../../services/keeper/keeper.ts";
import { makeLog } from "../../services/log.ts";
import { GENEROUS, USD } from "../keeper/limits.ts";
import { idealProver } from "../support/idealProver.ts";
import { type Death, runService } from "../support/processes.ts";

export interface KeeperProcessConfiguration {
  rpc: string;
  deployment: Deployment;
  key: string;
  /** The risk committee's key, decimal. */
  committeeKey: string;
  /** The keeper's account, JSON with decimal numbers. */
  account: Record<keyof AccountSecrets, string>;
  dataDirectory: string;
  death?: Death;
}

const IDEAL = join(ROOT, "build/artifacts/contracts/test/IdealVerifier.sol/IdealVerifier.json");

/** A keeper that declares its proofs to the ideal verifier. Its stages are named with the act: `flag.proven`. */
runService<KeeperProcessConfiguration, { url: string }>(async (configuration, onStage) => {
  const { rpc, deployment, key, committeeKey, account, dataDirectory } = configuration;
  const provider = await connectRpc(rpc);
  const deployed = await attach(provider, deployment);
  const { abi } = JSON.parse(readFileSync(IDEAL, "utf8")) as { abi: InterfaceAbi };
  const declaring = new Contract(await deployed.ledger.verifier(), abi, await provider.getSigner(0));
  const prover = idealProver(declaring);
  const secrets = Object.fromEntries(
    Object.entries(account).map(([name, value]) => [name, BigInt(value)]),
  ) as unknown as AccountSecrets;
  const keeper = await startKeeper({
    deployed,
    sight: { committeeKey: BigInt(committeeKey) },
    accounts: [secrets],
    registry: async () => undefined,
    signer: new Wallet(key, provider),
    limits: GENEROUS,
    coin: 200n * USD,
    prover,
    listen: { host: "127.0.0.1", port: 0 },
    dataDirectory,
    log: makeLog("keeper"),
    pollMs: 50,
    onStage: (stage, detail) => onStage("act" in detail ? `${detail.act}.${stage}` : stage),
  });
  return {
    ready: { url: keeper.url },
    async stop() {
      await keeper.stop();
      await prover.close();
      provider.destroy();
    },
  };
});
