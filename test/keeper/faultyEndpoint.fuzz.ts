import { JsonRpcProvider, Network, Wallet } from "ethers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { REPORTERS } from "../../cli/demo/stage.ts";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import type { AccountSecrets } from "../../prover/secrets.ts";
import { attach } from "../../services/chain/deployment.ts";
import { type FaultyRpc, type RpcFault, serveFaulty } from "../support/faultyRpc.ts";
import { randomFrom } from "../support/random.ts";
import { type KeeperChain, keeperChain } from "./support.ts";

/*
 * A keeper behind an endpoint that fails at random: errors, cut connections, answers that come late, never, empty or from earlier blocks.
 * Once the endpoint is sound again, ledger and keeper are where they are without a fault.
 */

let chain: KeeperChain;
let restore: () => Promise<void>;
let rpc: FaultyRpc;
let cedar: AccountSecrets;

beforeAll(async () => {
  chain = await keeperChain();
  const [alder, birch] = [chain.institution(), chain.institution()];
  cedar = chain.institution();
  for (const one of [alder, birch, cedar]) await chain.open(one);
  await chain.writeQueue();
  await chain.deposit(alder, 16_000n);
  await chain.deposit(birch, 100_000n);
  await chain.deposit(cedar, 60_000n);
  await chain.writeQueue();
  await chain.trade(alder, birch, 100n);
  await chain.writeQueue();
  restore = await chain.remember();
  rpc = await serveFaulty(chain.local.ethers);
});
afterAll(async () => {
  await chain.close();
  await rpc.close();
});

/** The keeper's place among the development accounts: administrator, two traders, relayer, reporters, keeper. */
const KEEPER = 4 + REPORTERS;
const NODE_FAULTS: RpcFault[] = [
  { kind: "error", code: -32000, message: "busy" },
  { kind: "status", status: 503 },
  { kind: "cut" },
  { kind: "cutAnswer" },
  { kind: "delay", milliseconds: 40 },
  { kind: "behind", blocks: 2 },
  { kind: "nothing" },
];

/** A fall, a flag, a take-over and the writing of the queue, with an endpoint that fails one call in `oneIn`. */
async function fall(seed: number, oneIn: number | undefined) {
  const { deployment } = chain.stage.deployed;
  const network = Network.from(deployment.chainId);
  const options = { staticNetwork: network, batchMaxCount: 1, cacheTimeout: -1, pollingInterval: 20 };
  const provider = new JsonRpcProvider(rpc.url, network, options);
  try {
    const deployed = await attach(provider, deployment);
    const signer = new Wallet(developmentKey(KEEPER), provider);
    const keeper = await chain.keeper({ deployed, signer, accounts: [cedar], lagMs: 1_000 });
    await chain.settle(keeper);
    const random = randomFrom(seed);
    const disturb = () =>
      rpc.setFaults(() =>
        oneIn !== undefined && random.chance(1, oneIn) ? random.pick(NODE_FAULTS) : undefined,
      );
    const afterwards = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, oneIn === undefined ? 0 : 3_000));
      rpc.setFaults();
      await chain.settle(keeper);
    };
    disturb();
    await chain.move(0.9);
    await afterwards();
    expect(keeper.status()).toMatchObject({ below: 1, flagged: 1 });
    disturb();
    await chain.move(1);
    await afterwards();
    await chain.writeQueue();
    await chain.settle(keeper);
    const takeOvers = (await chain.stage.deployed.ledger.queryFilter("TakenOver")).length;
    const { accounts, below, flagged, unreadable, own } = keeper.status();
    await keeper.stop();
    return { accounts, below, flagged, unreadable, takeOvers, own };
  } finally {
    provider.destroy();
  }
}

test("faults of the endpoint change nothing in the end", { timeout: 600_000 }, async () => {
  const sound = await fall(0, undefined);
  expect(sound).toMatchObject({ accounts: 3, below: 0, flagged: 0, takeOvers: 1 });
  for (const [seed, oneIn] of [
    [1, 10],
    [2, 5],
    [3, 3],
    [4, 2],
  ] as const) {
    await restore();
    const before = rpc.faulted();
    expect(await fall(seed, oneIn)).toEqual(sound);
    expect(rpc.faulted() - before).toBeGreaterThan(5);
  }
});
