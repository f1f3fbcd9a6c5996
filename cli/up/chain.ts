import { join } from "node:path";
import type { Contract } from "ethers";
import type { z } from "zod";
import { latestSnapshot } from "../../protocol/chain.ts";
import { writeText } from "../../services/files.ts";
import { makeHttp } from "../../services/http.ts";
import type { Log } from "../../services/log.ts";
import type { Running } from "../../services/running.ts";
import { serveLocalChain } from "../chain/localChain.ts";
import { listSpotAssets, type Stage, setStage } from "../demo/stage.ts";
import { developmentKey } from "../dev/developmentKey.ts";
import type { assetsSchema } from "./assets.ts";
import { PLACES } from "./directory.ts";

/** What a local chain is started with. */
export interface ChainSettings {
  /** Where it writes deployment, keys and listed assets; `keys` in it exists. */
  directory: string;
  /** Of the JSON-RPC endpoint, and of `/health`. */
  port: number;
  healthPort: number;
  /** Where the chain's clock begins. */
  start: Date;
  /** Runs with the machine's, a block every second; or stands, each block a second after the one before, until somebody moves it. */
  clock: "runs" | "stands";
  /** Micro-USDC: what the insurance fund begins with, and its floor. */
  fund: bigint;
  fundFloor: bigint;
}

/** Places of a local chain's accounts among the published development keys; the stage takes them in this order. */
export const DEVELOPMENT_KEYS: Record<string, number> = {
  admin: 0,
  alice: 1,
  bob: 2,
  relayer: 3,
  ...Object.fromEntries([1, 2, 3, 4, 5, 6, 7].map((number) => [`reporter-${number}`, number + 3])),
  "keeper-1": 11,
  "keeper-2": 12,
  "keeper-3": 13,
  aggregator: 14,
};

const TICK_MS = { runs: 1_000, stands: 100 };
/** What alice and bob start with. */
const CASH = 1_000_000_000_000n;
const LOTS = 1_000n;

/** The file of a key in a data directory. */
export const keyFile = (directory: string, name: string): string =>
  join(directory, PLACES.keys, `${name}.key`);

function writeKeys(directory: string, { committeeKey }: Stage): void {
  for (const [name, place] of Object.entries(DEVELOPMENT_KEYS))
    writeText(keyFile(directory, name), `${developmentKey(place)}\n`, { secret: true });
  writeText(keyFile(directory, "committee"), `${committeeKey}\n`, { secret: true });
}

/**
 * Runs a chain on the loopback interface with Solvus on it: an open registry, seven reporters, an insurance fund. Once the oracle has posted its first epoch, a token for every spot instrument is listed, alice and
 * bob get some of each, and `assets.json` tells.
 */
export async function startChain(settings: ChainSettings, log: Log): Promise<Running & { url: string }> {
  const { directory, port, healthPort, start, clock, fund, fundFloor } = settings;
  const local = await serveLocalChain(start, port);
  const stage = await setStage(local, { openRegistry: true, fund, fundFloor });
  const { deployed, admin, traders } = stage;
  writeKeys(directory, stage);
  writeText(join(directory, PLACES.deployment), `${JSON.stringify(deployed.deployment, null, 2)}\n`);
  let assetsListed = false;

  const list = async (): Promise<void> => {
    const snapshot = await latestSnapshot(deployed.chain);
    const assets = await listSpotAssets(local, stage, snapshot);
    const tokens: [Contract, bigint][] = [
      [deployed.usdc, CASH],
      ...assets.map(({ token, unitsPerLot }): [Contract, bigint] => [token, LOTS * unitsPerLot]),
    ];
    for (const [token, units] of tokens) {
      for (const { address } of traders)
        await (await (token.connect(admin) as Contract).mint(address, units)).wait();
    }
    const records: z.input<typeof assetsSchema> = [];
    for (const { id, name, token, unitsPerLot, decimals } of assets)
      records.push({
        id: `${id}`,
        name,
        token: await token.getAddress(),
        unitsPerLot: `${unitsPerLot}`,
        decimals,
      });
    writeText(join(directory, PLACES.assets), `${JSON.stringify(records, null, 2)}\n`);
    log.info({ assets: records.map(({ name }) => name) }, "spot assets are listed");
  };

  let isStopping = false;
  let anchored = -1;
  /** Keeps the clock where it is: the next block, whenever it comes, is a second after the latest. */
  const anchor = async (): Promise<void> => {
    const block = await deployed.provider.getBlock("latest");
    if (block === null || block.number === anchored) return;
    await local.ethers.provider.send("evm_setNextBlockTimestamp", [block.timestamp + 1]);
    anchored = block.number;
  };
  const tick = async (): Promise<void> => {
    if (clock === "runs") await local.advance(0);
    else await anchor();
    if (assetsListed || (await deployed.oracle.latest())[1].epoch === 0n) return;
    assetsListed = true;
    await list();
  };
  const beat = async (): Promise<void> => {
    while (!isStopping) {
      try {
        await tick();
      } catch (error) {
        log.warn({ err: error }, "tick failed");
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS[clock]));
    }
  };

  const { server } = await makeHttp({
    log,
    title: "Solvus local chain",
    description: "A chain in memory.",
    health: async () => ({ block: await deployed.provider.getBlockNumber(), time: await local.now() }),
  });
  await server.listen({ host: "127.0.0.1", port: healthPort });
  const beating = beat();
  log.info({ url: local.url, ledger: deployed.deployment.ledger }, "chain runs");
  return {
    url: local.url,
    async stop() {
      isStopping = true;
      await beating;
      await server.close();
      await stage.prover.close();
      await local.close();
    },
  };
}
