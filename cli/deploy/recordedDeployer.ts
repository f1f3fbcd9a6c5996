import { setTimeout as sleep } from "node:timers/promises";
import {
  ContractFactory,
  getCreateAddress,
  Interface,
  keccak256,
  type Provider,
  Transaction,
  type TransactionReceipt,
  type Wallet,
} from "ethers";
import { type Deployer, dataContract } from "../../contracts/deployment.ts";
import { ensure, SolvusError } from "../../protocol/errors.ts";
import { artifactOf } from "./artifacts.ts";
import type { DeploymentRecord, Step } from "./record.ts";

/** A deployer that writes down each transaction before it sends it, and never sends another one in its place. */
export interface RecordedDeployer extends Deployer {
  /** Creates a data contract and returns its address. */
  data(step: string, bytes: string): Promise<string>;
}

export interface Patience {
  /** Blocks that a transaction must be deep. */
  confirmations: number;
  /** Seconds to wait for a transaction before giving up for now. */
  seconds: number;
}

const POLL_MS = 250;
/** Looks at the chain that a node gets before a transaction counts as displaced: nodes behind one address may lag. */
const LOOKS = 20;

/** What a step is to send. */
type Plan = Pick<Step, "name" | "contract" | "method"> & { to?: string; data: string };

/**
 * A deployer over a record, which `save` makes durable. A step that is in the record is not sent again; one that was signed but not seen
 * on the chain is sent again as it was signed, so that however often a run is killed each step happens once.
 *
 * Throws `deploy.changed` when a step would send something else than the record says, `deploy.reverted`, and `deploy.waiting` when
 * a transaction is not mined in time.
 */
export function recordedDeployer(
  wallet: Wallet,
  provider: Provider,
  record: DeploymentRecord,
  save: () => void,
  patience: Patience,
  log: (line: string) => void,
): RecordedDeployer {
  const forget = (step: Step): void => {
    record.steps.splice(record.steps.indexOf(step), 1);
    save();
  };

  /** Signs a step's transaction and writes it down. */
  async function plan({ name, contract, method, to, data }: Plan): Promise<Step> {
    const nonce = await provider.getTransactionCount(wallet.address, "pending");
    const call = { ...(to === undefined ? {} : { to }), data, nonce };
    const estimate = await provider.estimateGas({ ...call, from: wallet.address });
    const filled = await wallet.populateTransaction({ ...call, gasLimit: (estimate * 6n) / 5n });
    const signed = await wallet.signTransaction(filled);
    const step: Step = {
      name,
      contract,
      ...(method === undefined ? {} : { method }),
      address: to ?? getCreateAddress({ from: wallet.address, nonce }),
      dataHash: keccak256(data),
      nonce,
      transaction: Transaction.from(signed).hash as string,
      signed,
    };
    record.steps.push(step);
    save();
    return step;
  }

  /** Whether another transaction of the deployer took the step's nonce, so that the step's can never be mined. */
  async function isDisplaced({ nonce, transaction, address, method }: Step): Promise<boolean> {
    for (let look = 0; look < LOOKS; look++) {
      if ((await provider.getTransactionReceipt(transaction)) !== null) return false;
      if ((await provider.getTransactionCount(wallet.address, "latest")) <= nonce) return false;
      if (method === undefined && (await provider.getCode(address)) !== "0x") return false;
      await sleep(POLL_MS);
    }
    return true;
  }

  /** Sends a signed step; a node that knows the transaction, or has mined it, refuses it and that is no failure. */
  async function send({ signed }: Step): Promise<void> {
    try {
      await provider.broadcastTransaction(signed as string);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (!/already known|known transaction|already imported|nonce.*(low|used)|NONCE_EXPIRED/i.test(text))
        throw error;
    }
  }

  async function minedReceipt({ name, transaction }: Step): Promise<TransactionReceipt> {
    const until = performance.now() + patience.seconds * 1000;
    for (;;) {
      const receipt = await provider.getTransactionReceipt(transaction);
      if (receipt !== null) {
        const depth = (await provider.getBlockNumber()) - receipt.blockNumber + 1;
        if (depth >= patience.confirmations) return receipt;
      }
      if (performance.now() > until)
        throw new SolvusError(
          "deploy.waiting",
          `step ${name}: transaction ${transaction} is not mined ${patience.confirmations} blocks deep after ${patience.seconds} s, expected it soon; run the command again`,
        );
      await sleep(POLL_MS);
    }
  }

  /** Brings a signed step to its end and writes that down. */
  async function finish(step: Step): Promise<void> {
    const receipt = await minedReceipt(step);
    if (receipt.status !== 1) {
      forget(step);
      throw new SolvusError(
        "deploy.reverted",
        `step ${step.name}: transaction ${step.transaction} was reverted, expected success; the next run tries again`,
      );
    }
    delete step.signed;
    step.block = receipt.blockNumber;
    step.gasUsed = Number(receipt.gasUsed);
    if (step.method === undefined) step.codeHash = keccak256(await provider.getCode(step.address));
    save();
    log(`${step.name}: ${step.method === undefined ? `created at ${step.address}` : "done"}`);
  }

  async function perform(planned: Plan): Promise<string> {
    let step = record.steps.find(({ name }) => name === planned.name);
    if (step !== undefined) {
      const to = planned.to ?? step.address;
      ensure(
        step.dataHash === keccak256(planned.data) && step.address === to,
        "deploy.changed",
        `step ${planned.name}: the record has other code or arguments, expected what it was begun with: the same configuration and contracts`,
      );
      if (step.block !== undefined) return step.address;
      if (await isDisplaced(step)) {
        log(
          `${step.name}: transaction ${step.transaction} was displaced by another of the deployer's, signing anew`,
        );
        forget(step);
        step = undefined;
      }
    }
    step ??= await plan(planned);
    if ((await provider.getTransactionReceipt(step.transaction)) === null) await send(step);
    await finish(step);
    return step.address;
  }

  return {
    address: wallet.address,
    async contract(step, name, values) {
      const { abi, bytecode } = artifactOf(name);
      const { data } = await new ContractFactory(abi, bytecode).getDeployTransaction(...values);
      return perform({ name: step, contract: name, data });
    },
    data: (step, bytes) => perform({ name: step, contract: "data", data: dataContract(bytes) }),
    async call(step, name, to, method, values) {
      const data = new Interface(artifactOf(name).abi).encodeFunctionData(method, values);
      await perform({ name: step, contract: name, method, to, data });
    },
  };
}
