import type { Contract, Signer, TransactionReceipt } from "ethers";
import { SolvusError } from "../../protocol/errors.ts";
import { contractRefusal } from "../chain/revert.ts";

/** Sends one transaction after another from one key. */
export interface Sending {
  /**
   * Tries a call, sends it and waits for its receipt. A transaction of the same key that is stuck is replaced, at a fee that is an eighth
   * higher or more. Throws the contract's rule when it refuses, `keeper.gasPrice` above the most that may be paid, `keeper.unmined` when it
   * is not mined in time: the next call then takes its place.
   */
  send(contract: Contract, method: string, parameters: readonly unknown[]): Promise<TransactionReceipt>;
  /** Wei for a unit of gas that the next call pays at most: what the chain asks now, or more to replace one that is stuck. */
  gasPrice(): Promise<bigint>;
}

export interface SendingLimits {
  /** Most wei for a unit of gas. */
  maxGasPrice: bigint;
  /** How long a receipt is waited for, milliseconds of the clock: 60,000. */
  patienceMs?: number;
}

interface Fees {
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
}

const raised = ({ maxFeePerGas, maxPriorityFeePerGas }: Fees): Fees => ({
  maxFeePerGas: (maxFeePerGas * 9n) / 8n + 1n,
  maxPriorityFeePerGas: (maxPriorityFeePerGas * 9n) / 8n + 1n,
});

const larger = (one: bigint, other: bigint): bigint => (one < other ? other : one);

const higher = (one: Fees, other: Fees): Fees => ({
  maxFeePerGas: larger(one.maxFeePerGas, other.maxFeePerGas),
  maxPriorityFeePerGas: larger(one.maxPriorityFeePerGas, other.maxPriorityFeePerGas),
});

/** A replacement that pays too little is tried again this often, each time for more. */
const RAISES = 12;

/** Estimates may be made after pending transactions, among them the one that is replaced, and be too low without it. */
const GAS_MARGIN = 2n;

export function sendingFrom(signer: Signer, { maxGasPrice, patienceMs = 60_000 }: SendingLimits): Sending {
  const provider = signer.provider!;
  /** What was last tried at a nonce. */
  let last: { nonce: number; fees: Fees } | undefined;

  const feesNow = async (): Promise<Fees> => {
    const { gasPrice, maxFeePerGas, maxPriorityFeePerGas } = await provider.getFeeData();
    const price = maxFeePerGas ?? gasPrice ?? 0n;
    return { maxFeePerGas: price, maxPriorityFeePerGas: maxPriorityFeePerGas ?? price };
  };
  /** Nonce and fees of the next call. What others of this key have pending is to be replaced, not queued behind. */
  const next = async (): Promise<{ nonce: number; fees: Fees }> => {
    const nonce = await provider.getTransactionCount(await signer.getAddress(), "latest");
    const fees = await feesNow();
    return { nonce, fees: last?.nonce === nonce ? higher(fees, raised(last.fees)) : fees };
  };
  const requirePayable = ({ maxFeePerGas }: Fees): void => {
    if (maxFeePerGas > maxGasPrice)
      throw new SolvusError(
        "keeper.gasPrice",
        `gas price: ${maxFeePerGas} wei, expected at most ${maxGasPrice}`,
      );
  };

  return {
    gasPrice: async () => (await next()).fees.maxFeePerGas,
    async send(contract, method, parameters) {
      const call = (contract.connect(signer) as Contract).getFunction(method);
      let gasLimit: bigint;
      try {
        await call.staticCall(...parameters);
        gasLimit = GAS_MARGIN * (await call.estimateGas(...parameters));
      } catch (error) {
        throw refusalOf(error);
      }
      const { nonce, fees: first } = await next();
      let fees = first;
      for (let raises = 0; ; raises++) {
        requirePayable(fees);
        last = { nonce, fees };
        try {
          const response = await call(...parameters, { nonce, gasLimit, ...fees });
          return await mined(response.wait(1, patienceMs));
        } catch (error) {
          if (!isUnderpriced(error) || raises === RAISES) throw refusalOf(error);
          fees = raised(fees);
        }
      }
    },
  };
}

async function mined(waiting: Promise<TransactionReceipt | null>): Promise<TransactionReceipt> {
  try {
    return (await waiting) as TransactionReceipt;
  } catch (error) {
    if ((error as { code?: string }).code !== "TIMEOUT") throw error;
    throw new SolvusError("keeper.unmined", "transaction: not mined in time; the next one takes its place");
  }
}

function isUnderpriced(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return (
    code === "REPLACEMENT_UNDERPRICED" ||
    /replacement (fee|transaction)|underpriced|already known/i.test(message ?? "")
  );
}

/** A contract's refusal as an error with its rule; what is a failure of the node, or of the way to it, as it is. */
function refusalOf(error: unknown): unknown {
  const refusal = contractRefusal(error);
  if (refusal !== undefined) return new SolvusError(refusal.rule, refusal.message);
  // A library may report a busy node as a call that reverted without data: only a receipt proves it.
  const { code, receipt } = error as { code?: string; receipt?: unknown };
  if (code !== "CALL_EXCEPTION" || receipt === undefined || receipt === null) return error;
  return new SolvusError(
    "keeper.reverted",
    "transaction: reverted when it was mined; another one came first",
  );
}
