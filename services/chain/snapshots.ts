import type { Signer } from "ethers";
import { makePosting } from "../../contracts/posting.ts";
import { encodeInputs } from "../../protocol/inputsCodec.ts";
import { pricesOf } from "../../protocol/pricedInputs.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import type { Deployed } from "./deployment.ts";

/**
 * Has the reporters observe the prices of a snapshot and sign it, and posts it from `sender`. The header's time is that of the inputs, in
 * whole seconds.
 */
export async function publishSnapshot(
  { chain, oracle, deployment }: Deployed,
  { inputs, epoch, root }: MarketSnapshot,
  reporters: readonly Signer[],
  sender: Signer,
  steady: boolean,
): Promise<{ gasUsed: bigint; signatures: number }> {
  const time = BigInt(Math.floor(inputs.time / 1000));
  const snapshot = { epoch, time, snapshotRoot: root, steady, inputs: encodeInputs(inputs) };
  const posting = await makePosting(reporters, chain.chainId, deployment.oracle, snapshot, pricesOf(inputs));
  const sending = oracle.connect(sender) as Deployed["oracle"];
  const receipt = await (await sending.post(...posting)).wait();
  return { gasUsed: receipt.gasUsed, signatures: reporters.length };
}
