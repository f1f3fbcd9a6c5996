import type { Contract } from "ethers";
import { signDeposit } from "../../contracts/signing.ts";
import type { Transition as ProvenTransition } from "../../contracts/statements.ts";
import { NOTHING, proveTransition, submit, submitTrade } from "../../services/account/transact.ts";
import type { Institution } from "./people.ts";
import { accountOf, mintAllowed, type Play } from "./play.ts";

/** A proven transition that deposits cash, signed by its payer so that somebody else may submit it. The cash is minted first. */
export async function signedByPayer(
  play: Play,
  owner: Institution,
  proven: ProvenTransition,
): Promise<ProvenTransition> {
  const { deployed } = play;
  const { chainId, ledger } = deployed.chain;
  const { nullifier, commitment, asset, deposit: amount } = proven.signals;
  await mintAllowed(play, owner, deployed.usdc, amount);
  const { deadline } = proven.terms;
  const authorization = { nullifier, commitment, asset, amount, deadline };
  return { ...proven, payerSignature: await signDeposit(owner.signer, chainId, ledger, authorization) };
}

/** Proves a deposit of cash (micro-USDC) that its payer signs. */
export async function signedDeposit(
  play: Play,
  owner: Institution,
  amount: bigint,
): Promise<{ proven: ProvenTransition; proveSeconds: number }> {
  const { deployed, prover, market, registry } = play;
  const { proven, proveSeconds } = await proveTransition(
    deployed,
    prover,
    await accountOf(play, owner),
    { ...NOTHING, deposit: amount },
    { snapshot: market.snapshot, registry, payer: owner.signer.address },
  );
  return { proven: await signedByPayer(play, owner, proven), proveSeconds };
}

/** What `work` returns, on a chain that afterwards is as before. */
async function undone<T>({ local }: Play, work: () => Promise<T>): Promise<T> {
  const { provider } = local.ethers;
  const before = await provider.send("evm_snapshot", []);
  try {
    return await work();
  } finally {
    await provider.send("evm_revert", [before]);
  }
}

/** Submits the sides of a trade and a deposit in one transaction. `aloneGas` is what a transaction for each of the two takes there. */
export async function submitTogether(
  play: Play,
  sides: readonly [ProvenTransition, ProvenTransition],
  deposit: ProvenTransition,
): Promise<{ gasUsed: bigint; aloneGas: bigint }> {
  const { deployed, relayer } = play;
  const aloneGas = await undone(play, async () => {
    const traded = await submitTrade(deployed, relayer, ...sides);
    const deposited = await submit(deployed, relayer, deposit);
    return traded.gasUsed + deposited.gasUsed;
  });
  const sending = deployed.ledger.connect(relayer) as Contract;
  const receipt = await (await sending.submitBatch([], [...sides, deposit], [])).wait();
  const skipped = receipt.logs.some(
    (log: { topics: string[] }) => log.topics[0] === sending.interface.getEvent("Skipped")?.topicHash,
  );
  if (skipped) throw new Error("the ledger skipped an item of the batch that was expected to hold");
  return { gasUsed: receipt.gasUsed, aloneGas };
}
