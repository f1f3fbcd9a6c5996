import type { Provider, Signer, TransactionReceipt, TransactionResponse } from "ethers";
import { SolvusError } from "../../protocol/errors.ts";
import type { Deployed } from "../chain/deployment.ts";
import { contractRefusal } from "../chain/revert.ts";
import { chainFailure } from "./chainState.ts";
import type { SignedEpoch } from "./round.ts";
import { within } from "./within.ts";

/*
 * Posting of signed snapshots from one account, one at a time. The next transaction always has the first nonce that is not mined: one that
 * is stuck is replaced by the next epoch's, for a higher fee.
 */

/** By how much a replacement pays more: nodes want at least a tenth. */
const BUMP_PERCENT = 125n;
/** Room for blocks in which storage was written before. */
const GAS_PERCENT = 120n;

/** Milliseconds for a node to take a transaction. */
const SEND_MS = 20_000;

interface Fees {
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

const more = (fee: bigint): bigint => (fee * BUMP_PERCENT) / 100n + 1n;
const larger = (first: bigint, second: bigint): bigint => (first > second ? first : second);
const smaller = (first: bigint, second: bigint): bigint => (first < second ? first : second);

export interface Poster {
  /**
   * Posts and resolves with the receipt. Throws `oracle.<Error>` as the contract refuses, `chain.stuck` if it is not mined in time, and
   * `chain.gasPrice` when a stuck one cannot be replaced for the most that may be bid.
   */
  post(signed: SignedEpoch): Promise<TransactionReceipt>;
}

/** What the next posting bids, in the place of a stuck one if there is one; nothing above `most` wei for a unit of gas. */
async function nextFees(provider: Provider, stuck: Fees | undefined, most: bigint): Promise<Fees> {
  const { maxFeePerGas, maxPriorityFeePerGas, gasPrice } = await provider.getFeeData();
  const price = smaller(maxFeePerGas ?? gasPrice ?? 0n, most);
  const tip = smaller(maxPriorityFeePerGas ?? price, price);
  if (stuck === undefined) return { maxFeePerGas: price, maxPriorityFeePerGas: tip };
  const raised = {
    maxFeePerGas: larger(price, more(stuck.maxFeePerGas)),
    maxPriorityFeePerGas: larger(tip, more(stuck.maxPriorityFeePerGas)),
  };
  if (raised.maxFeePerGas > most)
    throw new SolvusError(
      "chain.gasPrice",
      `a posting of before is stuck, and to replace it costs ${raised.maxFeePerGas} wei for a unit of gas, expected at most ${most}`,
    );
  return raised;
}

/** Posts from `signer`, which nothing else may send from. */
export function makePoster(
  { provider, oracle, deployment }: Deployed,
  signer: Signer,
  rules: { minedWithinMs: number; maxGasPrice: bigint },
  onStage?: (stage: string) => Promise<void> | void,
): Poster {
  let last: ({ nonce: number } & Fees) | undefined;
  return {
    async post({ computed, signatures }) {
      const { header, inputs, keys, observations } = computed;
      const posted = observations.map(({ prices, tradedAt, restHash, signature }) => ({
        prices,
        tradedAt,
        restHash,
        signature,
      }));
      const data = oracle.interface.encodeFunctionData("post", [header, inputs, keys, posted, signatures]);
      const from = await signer.getAddress();
      const call = { to: deployment.oracle, data, from };
      const send = async (): Promise<TransactionResponse> => {
        const gas = await provider.estimateGas(call);
        const nonce = await provider.getTransactionCount(from, "latest");
        const fees = await nextFees(provider, last?.nonce === nonce ? last : undefined, rules.maxGasPrice);
        last = { nonce, ...fees };
        return signer.sendTransaction({
          to: deployment.oracle,
          data,
          nonce,
          gasLimit: (gas * GAS_PERCENT) / 100n,
          ...fees,
        });
      };
      try {
        const response = await within(SEND_MS, "chain.silent", "the node", send());
        await onStage?.("sent");
        const receipt = await response.wait(1, rules.minedWithinMs);
        if (receipt === null)
          throw new SolvusError("chain.stuck", "the posting has no receipt, expected one");
        return receipt;
      } catch (error) {
        if (error instanceof SolvusError) throw error;
        const refusal = contractRefusal(error);
        if (refusal !== undefined) throw new SolvusError(refusal.rule, refusal.message);
        const { code } = error as { code?: string };
        if (code === "TIMEOUT")
          throw new SolvusError(
            "chain.stuck",
            `the posting of epoch ${header.epoch} was not mined in ${rules.minedWithinMs} ms; the next one replaces it`,
          );
        // A stuck one of before a restart: the fee of it is unknown, so this one is raised until it is taken.
        if (code === "REPLACEMENT_UNDERPRICED" && last !== undefined)
          throw new SolvusError(
            "chain.underpriced",
            "a posting of before is in the way; the next one pays more",
          );
        throw chainFailure(error);
      }
    },
  };
}
