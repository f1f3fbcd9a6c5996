import { keccak256, type Signer } from "ethers";
import { type SnapshotHeader, signHeader } from "../../contracts/signing.ts";
import { encodeInputs } from "../../protocol/inputsCodec.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import type { Deployed } from "./deployment.ts";

/** Has the reporters sign a snapshot and posts it from `sender`. The header's time is that of the inputs, in whole seconds. */
export async function publishSnapshot(
  { chain, oracle, deployment }: Deployed,
  snapshot: MarketSnapshot,
  reporters: readonly Signer[],
  sender: Signer,
  steady: boolean,
): Promise<{ gasUsed: bigint; signatures: number }> {
  const inputs = encodeInputs(snapshot.inputs);
  const header: SnapshotHeader = {
    epoch: snapshot.epoch,
    time: BigInt(Math.floor(snapshot.inputs.time / 1000)),
    snapshotRoot: snapshot.root,
    inputsHash: keccak256(inputs),
    steady,
  };
  const signatures = await signHeader(reporters, chain.chainId, deployment.oracle, header);
  const sending = oracle.connect(sender) as Deployed["oracle"];
  const receipt = await (await sending.post(header, inputs, signatures)).wait();
  return { gasUsed: receipt.gasUsed, signatures: signatures.length };
}
