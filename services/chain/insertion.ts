import type { Signer } from "ethers";
import { readLedger } from "../../protocol/chain.ts";
import { STATE_NODE_LEAVES } from "../../protocol/constants.ts";
import { closedNodes } from "../../protocol/ledgerHistory.ts";
import type { Prover } from "../../prover/prover.ts";
import { insertionStatement } from "../../prover/statements.ts";
import { chainTime, type Deployed } from "./deployment.ts";

/** Seals the open node of the queue if it is old enough; anybody may. Returns whether it did. */
export async function sealIfDue(deployed: Deployed, sender: Signer): Promise<boolean> {
  const [tail, openedAt] = await deployed.ledger.queue();
  const delay: bigint = await deployed.ledger.SEAL_DELAY();
  if (tail % BigInt(STATE_NODE_LEAVES) === 0n) return false;
  if (BigInt(await chainTime(deployed)) < openedAt + delay) return false;
  await (await (deployed.ledger.connect(sender) as Deployed["ledger"]).seal()).wait();
  return true;
}

/** Proves and writes every closed node that is not in the state tree yet; anybody may. Returns the gas of each insertion. */
export async function insertClosedNodes(
  { chain, ledger }: Deployed,
  prover: Prover,
  sender: Signer,
): Promise<bigint[]> {
  const { history } = await readLedger(chain);
  const sending = ledger.connect(sender) as Deployed["ledger"];
  const gas: bigint[] = [];
  for (const { nodeIndex, leaves } of closedNodes(history)) {
    const insertion = history.tree.insertionInput(nodeIndex, leaves);
    const { proof } = await prover.prove(insertionStatement(insertion));
    const receipt = await (await sending.insert(nodeIndex, leaves, insertion.newRoot, proof)).wait();
    gas.push(receipt.gasUsed);
    history.tree.insertNode(nodeIndex, leaves);
  }
  return gas;
}
