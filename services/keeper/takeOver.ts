import type { Signer } from "ethers";
import { NOBODY, proofContext, type Terms } from "../../contracts/signing.ts";
import { type TakeOver as ProvenTakeOver, TIER } from "../../contracts/statements.ts";
import type { LedgerView } from "../../protocol/chain.ts";
import { SolvusError } from "../../protocol/errors.ts";
import type { TakeOver } from "../../protocol/liquidation.ts";
import { prepareTakeOver } from "../../protocol/liquidationInput.ts";
import type { Registry } from "../../protocol/registryTree.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import type { Prover } from "../../prover/prover.ts";
import { PROOF_LIFETIME } from "../account/open.ts";
import { chainTime, type Deployed } from "../chain/deployment.ts";
import { contractRefusal } from "../chain/revert.ts";
import type { ProvenAct } from "./insolvency.ts";
import type { FundLimits } from "./plan.ts";

/** What the insurance fund may pay at an epoch. */
export async function fundLimits({ fund }: Deployed, epoch: bigint): Promise<FundLimits> {
  const balance: bigint = await fund.balance();
  const isLater = epoch > (await fund.rewardEpoch());
  const rewardLeft: bigint = isLater ? balance / (await fund.REWARD_SHARE()) : await fund.rewardLeft();
  return { balance, rewardLeft };
}

/** Throws with the contracts' own rule what they would refuse a take-over for, before it is proven. */
export async function requireAdmitted(
  { auction, fund }: Deployed,
  { target, request, deficit, reward }: TakeOver,
  { epoch }: Snapshot,
): Promise<void> {
  const refusals: string[] = [
    await auction.refusalOfTakeOver(target.leafIndex, target.nullifier, epoch, request.rate),
    await fund.refusalOfPayment(deficit, reward, epoch),
  ];
  const data = refusals.find((refusal) => refusal !== "0x");
  if (data === undefined) return;
  const { rule, message } = contractRefusal({ data })!;
  throw new SolvusError(rule, message);
}

/** What a take-over is proven with. */
export interface TakeOverWitness {
  deployed: Deployed;
  prover: Prover;
  view: Pick<LedgerView, "history">;
  snapshot: Snapshot;
  /** The keeper's. */
  spendSecret: bigint;
  /** Undefined when the registry is open. */
  registry?: Registry;
}

/** What a take-over is proven with, and who sends it. */
export interface TakeOverSetting extends TakeOverWitness {
  sender: Signer;
}

/** Proves a planned take-over under terms: by default anybody may submit it for an hour. Throws `liquidation.membership` and what the prover throws. */
export async function proveTakeOver(
  witness: TakeOverWitness,
  plan: TakeOver,
  conditions: Partial<Pick<Terms, "relayer" | "deadline">> = {},
): Promise<{ item: ProvenTakeOver; proveSeconds: number }> {
  const { deployed, prover, view, snapshot, spendSecret, registry } = witness;
  const { chain } = deployed;
  const { tree } = view.history;
  const deadline = conditions.deadline ?? BigInt((await chainTime(deployed)) + PROOF_LIFETIME);
  const terms: Terms = { payer: NOBODY, recipient: NOBODY, relayer: conditions.relayer ?? NOBODY, deadline };
  const statement = prepareTakeOver(plan, snapshot, {
    spendSecret,
    state: {
      root: tree.root,
      targetPath: tree.path(plan.target.leafIndex),
      keeperPath: tree.path(plan.keeper.leafIndex),
    },
    ...(registry === undefined ? {} : { registry }),
    context: proofContext(chain.chainId, chain.ledger, terms),
  });
  const start = performance.now();
  const { proof } = await prover.prove(statement);
  const proveSeconds = (performance.now() - start) / 1000;
  const { restoration: _, context: __, ...signals } = statement.signals;
  return { item: { tier: TIER[statement.tier.name], proof, signals, terms }, proveSeconds };
}

/** Proves and submits a planned take-over. Throws as {@link proveTakeOver}. */
export async function takeOver(setting: TakeOverSetting, plan: TakeOver): Promise<ProvenAct> {
  const { deployed, sender } = setting;
  const { item, proveSeconds } = await proveTakeOver(setting, plan);
  const sending = deployed.ledger.connect(sender) as Deployed["ledger"];
  const receipt = await (await sending.takeOver(item)).wait();
  return { receipt, proveSeconds };
}
