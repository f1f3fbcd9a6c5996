import type { Signer } from "ethers";
import { clearContext } from "../../contracts/auction.ts";
import { type ProofWords, TIER } from "../../contracts/statements.ts";
import type { LedgerView } from "../../protocol/chain.ts";
import { Q16 } from "../../protocol/constants.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import { prepareSolvency, type SolvencySignals } from "../../protocol/solvency.ts";
import { type Account, requireInserted } from "../../prover/account.ts";
import type { Prover } from "../../prover/prover.ts";
import type { Deployed } from "../chain/deployment.ts";
import type { ProvenAct } from "../keeper/insolvency.ts";

/** A proof that ends a flag, as `LiquidationAuction.clear` takes it. */
export interface ProvenClearing {
  parameters: readonly [tier: bigint, proof: ProofWords, signals: SolvencySignalsOnChain];
  proveSeconds: number;
}

type SolvencySignalsOnChain = Omit<SolvencySignals, "context">;

/** Proves that an account meets its maintenance margin. Throws `solvency.ratio`, `account.pending`. */
export async function proveClearing(
  deployed: Deployed,
  prover: Prover,
  account: Account,
  { view, snapshot }: { view: LedgerView; snapshot: Snapshot },
): Promise<ProvenClearing> {
  requireInserted(account);
  const { auction, chain } = deployed;
  const { tree } = view.history;
  const context = clearContext(chain.chainId, await auction.getAddress());
  const statement = prepareSolvency(
    account.note,
    account.leafIndex,
    snapshot,
    { ratio: Q16, excess: 0n, context },
    {
      spendSecret: account.secrets.spendSecret,
      state: { root: tree.root, path: tree.path(account.leafIndex) },
    },
  );
  const start = performance.now();
  const { proof } = await prover.prove(statement);
  const proveSeconds = (performance.now() - start) / 1000;
  const { context: _, ...signals } = statement.signals;
  return { parameters: [TIER[statement.tier.name], proof, signals], proveSeconds };
}

/** Proves to the auction that an account meets its maintenance margin again, which ends its flag. Throws `solvency.ratio`. */
export async function clearFlag(
  deployed: Deployed,
  prover: Prover,
  sender: Signer,
  account: Account,
  at: { view: LedgerView; snapshot: Snapshot },
): Promise<ProvenAct> {
  const { parameters, proveSeconds } = await proveClearing(deployed, prover, account, at);
  const sending = deployed.auction.connect(sender) as Deployed["auction"];
  const receipt = await (await sending.clear(...parameters)).wait();
  return { receipt, proveSeconds };
}
