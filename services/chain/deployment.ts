import { Contract, type Provider } from "ethers";
import { z } from "zod";
import { connectChain } from "../../contracts/chain.ts";
import type { AuditedChain } from "../../protocol/chain.ts";
import { Misuse } from "../../protocol/errors.ts";
import { abiOf } from "./artifacts.ts";

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, "expected an address");

/** The deployment file: where the contracts of a Solvus are. */
export const deploymentSchema = z.strictObject({
  format: z.literal("solvus-deployment"),
  version: z.literal(1),
  chainId: z.int().min(1),
  /** Block from which on the contracts have events. */
  fromBlock: z.int().min(0),
  ledger: address,
  oracle: address,
  registry: address,
  usdc: address,
});

export type Deployment = z.infer<typeof deploymentSchema>;

/** A Solvus on a chain: the reader of its history, and its contracts to call and send to. */
export interface Deployed {
  provider: Provider;
  deployment: Deployment;
  chain: AuditedChain;
  ledger: Contract;
  oracle: Contract;
  registry: Contract;
  /** Auction and fund are those that the ledger names. */
  auction: Contract;
  fund: Contract;
  usdc: Contract;
}

/** Attaches to the contracts of a deployment. Misuse (`deployment.chain`, `deployment.code`) when they are not on this chain. */
export async function attach(provider: Provider, deployment: Deployment): Promise<Deployed> {
  const { chainId } = await provider.getNetwork();
  if (chainId !== BigInt(deployment.chainId))
    throw new Misuse(
      "deployment.chain",
      `chain id of the RPC endpoint is ${chainId}, expected ${deployment.chainId} as the deployment file says`,
    );
  if ((await provider.getCode(deployment.ledger)) === "0x")
    throw new Misuse(
      "deployment.code",
      `ledger ${deployment.ledger} has no code, expected the contract: another chain, or one that was restarted`,
    );
  const { oracle, registry, usdc, fromBlock } = deployment;
  const chain = await connectChain(provider, deployment.ledger, { fromBlock });
  const ledger = new Contract(deployment.ledger, abiOf("ledger"), provider);
  return {
    provider,
    deployment,
    chain,
    ledger,
    oracle: new Contract(oracle, abiOf("oracle"), provider),
    registry: new Contract(registry, abiOf("registry"), provider),
    auction: new Contract(await ledger.auction(), abiOf("auction"), provider),
    fund: new Contract(await ledger.fund(), abiOf("fund"), provider),
    usdc: new Contract(usdc, abiOf("token"), provider),
  };
}

/** Time of the latest block, Unix seconds. Chains keep their own time, and deadlines are in it. */
export async function chainTime({ provider }: Pick<Deployed, "provider">): Promise<number> {
  const block = await provider.getBlock("latest");
  return block!.timestamp;
}
