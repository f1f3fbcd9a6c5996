import { SolvusError } from "../../protocol/errors.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { checkTransition, computeTransition, type TransitionRequest } from "../../protocol/transition.ts";
import { NOTHING, prepare } from "../../services/account/transact.ts";
import type { Institution } from "./people.ts";
import { accountOf, type Play } from "./play.ts";

/** The error with which something is refused; throws when it is not refused. */
export async function refusalOf(work: () => unknown): Promise<SolvusError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof SolvusError) return error;
    throw error;
  }
  throw new Error("expected a refusal, but it was accepted");
}

/** A withdrawal in whole dollars that leaves an account's equity half way between maintenance and initial margin. */
export async function tooLargeWithdrawal(play: Play, owner: Institution): Promise<bigint> {
  const { snapshot } = play.market;
  const { equity, margin } = standingOf((await accountOf(play, owner)).note, snapshot);
  const initial = (snapshot.imFactor * margin.maintenance) >> 16n;
  const left = (margin.maintenance + initial) / 2n;
  return ((equity - left) / 1_000_000n) * 1_000_000n;
}

/** A request that breaches initial margin: how the rules refuse it, and how the circuit does when the rules are not asked. */
export async function refuse(
  play: Play,
  owner: Institution,
  change: Partial<TransitionRequest>,
): Promise<{ rules: SolvusError; circuit: SolvusError }> {
  const { deployed, prover, market, registry } = play;
  await market.keepFresh();
  const { snapshot } = market;
  const account = await accountOf(play, owner);
  const request = { ...NOTHING, ...change };
  const { address } = owner.signer;
  const rules = await refusalOf(() =>
    checkTransition(computeTransition(account.note, account.leafIndex, snapshot, request), snapshot),
  );
  const setting = { snapshot, registry, payer: address, recipient: address };
  const { statement } = await prepare(deployed, account, request, setting, true);
  const circuit = await refusalOf(() => prover.prove(statement));
  return { rules, circuit };
}
