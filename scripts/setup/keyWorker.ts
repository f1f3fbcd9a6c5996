import { keccak256 } from "ethers";
import { buildBn128 } from "ffjavascript";
import { verifyingKeyBytes } from "../../protocol/verifyingKey.ts";
import { type KeyMaker, keyMaker, makeDevelopmentKey } from "./developmentKey.ts";
import { developmentWaste } from "./toxicWaste.ts";

/** A key to make; the answer is the keccak-256 of the verifying key's bytes, or a message of what went wrong. */
export interface KeyTask {
  circuit: string;
  r1csFile: string;
  provingFile: string;
  verifyingFile: string;
}

export type KeyAnswer = { verifyingKeyHash: string } | { error: string };

let maker: KeyMaker | undefined;

process.on("message", async (task: KeyTask) => {
  process.send?.(await answer(task));
});
process.on("disconnect", () => process.exit(0));

async function answer(task: KeyTask): Promise<KeyAnswer> {
  const { circuit, r1csFile, provingFile, verifyingFile } = task;
  try {
    maker ??= keyMaker(await buildBn128(true));
    const waste = developmentWaste(circuit);
    const key = await makeDevelopmentKey(maker, r1csFile, waste, provingFile, verifyingFile);
    return { verifyingKeyHash: keccak256(verifyingKeyBytes(key)) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
