import { Contract, type InterfaceAbi, Wallet } from "ethers";
import { openKeystore } from "../../prover/keystore.ts";
import { accountSecrets } from "../../prover/secrets.ts";
import { attach, type Deployment } from "../../services/chain/deployment.ts";
import { scopeOf } from "../../services/chain/reading.ts";
import { connectRpc } from "../../services/chain/rpc.ts";
import { startGuard } from "../../services/guard/run.ts";
import { makeLog } from "../../services/log.ts";
import { idealProver } from "../support/idealProver.ts";
import { type Death, runService } from "../support/processes.ts";
import { PASSWORD, POLICY, USD } from "./stage.ts";

export interface GuardProcessConfiguration {
  rpc: string;
  deployment: Deployment;
  keystore: string;
  /** Pays. */
  key: string;
  /** Declares proofs to the ideal verifier. */
  proverKey: string;
  verifier: { address: string; abi: InterfaceAbi };
  dataDirectory: string;
  /** Dollars a day and in all. */
  dollars: number;
  death?: Death;
}

/** A guard of the first account of a keystore, which acts whatever the ratio. */
runService<GuardProcessConfiguration, null>(async (configuration, onStage) => {
  const { rpc, deployment, keystore, key, proverKey, verifier, dataDirectory, dollars } = configuration;
  const provider = await connectRpc(rpc);
  const deployed = await attach(provider, deployment);
  const master = await openKeystore(keystore, PASSWORD);
  const limit = BigInt(dollars) * USD;
  const running = startGuard({
    deployed,
    secrets: accountSecrets(master, 1n, scopeOf(deployed)),
    policy: {
      ...POLICY,
      warn: { ratio: 5 },
      act: { ratio: 5 },
      targetRatio: 6,
      topUp: { perDay: limit, total: limit, maxFee: 0n },
    },
    prover: idealProver(new Contract(verifier.address, verifier.abi, new Wallet(proverKey, provider))),
    payer: new Wallet(key, provider),
    registry: async () => undefined,
    dataDirectory,
    log: makeLog("guard"),
    pollMs: 100,
    onStage,
  });
  return {
    ready: null,
    async stop() {
      await running.stop();
      provider.destroy();
    },
  };
});
