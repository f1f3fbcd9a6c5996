import { expect, test } from "vitest";
import type { Deployed } from "../../services/chain/deployment.ts";
import { makePoster } from "../../services/oracle/post.ts";
import type { SignedEpoch } from "../../services/oracle/round.ts";

/* What a posting bids where no block takes it, or a node says that gas costs a fortune. */

const GWEI = 1_000_000_000n;
const MOST = 500n * GWEI;
const ADDRESS = `0x${"11".repeat(20)}`;

function postingWhere(gasPrice: bigint) {
  const bids: bigint[] = [];
  const provider = {
    estimateGas: async () => 2_000_000n,
    getTransactionCount: async () => 7,
    getFeeData: async () => ({ maxFeePerGas: gasPrice, maxPriorityFeePerGas: gasPrice, gasPrice }),
  };
  const late = Object.assign(new Error("not mined"), { code: "TIMEOUT" });
  const signer = {
    getAddress: async () => ADDRESS,
    async sendTransaction({ maxFeePerGas, maxPriorityFeePerGas }: Record<string, bigint>) {
      bids.push(maxFeePerGas as bigint, maxPriorityFeePerGas as bigint);
      return { wait: () => Promise.reject(late) };
    },
  };
  const oracle = { interface: { encodeFunctionData: () => "0x" } };
  const deployed = { provider, oracle, deployment: { oracle: ADDRESS } };
  const rules = { minedWithinMs: 1, maxGasPrice: MOST };
  const poster = makePoster(deployed as unknown as Deployed, signer as never, rules);
  const signed = { computed: { header: { epoch: 1n }, observations: [] }, signatures: [] };
  return { bids, post: () => poster.post(signed as unknown as SignedEpoch) };
}

test("a chain that takes no posting for an hour does not drive its bid to a fortune", async () => {
  const { bids, post } = postingWhere(GWEI);
  for (let minute = 0; minute < 60; minute++)
    await expect(post()).rejects.toMatchObject({ rule: expect.stringMatching(/^chain\.(stuck|gasPrice)$/) });
  expect(bids.length).toBeGreaterThan(10);
  expect(bids.every((bid) => bid <= MOST)).toBe(true);
  await expect(post()).rejects.toMatchObject({ rule: "chain.gasPrice" });
});

test("a node that names any price of gas does not have a posting pay it", async () => {
  const { bids, post } = postingWhere(1_000_000n * GWEI);
  await expect(post()).rejects.toMatchObject({ rule: "chain.stuck" });
  expect(bids).toEqual([MOST, MOST]);
});
