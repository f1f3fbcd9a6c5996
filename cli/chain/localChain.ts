import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { JsonRpcServer } from "hardhat/types/network";
import config from "../../hardhat.config.ts";
import { ROOT } from "../../scripts/setup/paths.ts";

/** A chain inside the process. Nothing of it is left after `close`. */
export interface LocalChain {
  ethers: HardhatEthers;
  /** Time of the latest block, Unix seconds. */
  now(): Promise<number>;
  /** Mines a block this many seconds after the latest. */
  advance(seconds: number): Promise<void>;
  close(): Promise<void>;
}

/** Hardhat's environment with a simulated network and one behind JSON-RPC, one for the process: the first chain of each reads every contract. */
let environment: Promise<HardhatRuntimeEnvironment> | undefined;

function hardhat(): Promise<HardhatRuntimeEnvironment> {
  environment ??= createHardhatRuntimeEnvironment(
    {
      ...config,
      networks: {
        simulated: { type: "edr-simulated", chainType: "l1", chainId: 31337 },
        served: { type: "http", chainType: "l1", url: "http://127.0.0.1" },
      },
    },
    {},
    ROOT,
  );
  return environment;
}

/** What {@link LocalChain} does through an ethers connection. */
function timeOf(ethers: HardhatEthers): Pick<LocalChain, "now" | "advance"> {
  return {
    now: async () => (await ethers.provider.getBlock("latest"))!.timestamp,
    async advance(seconds) {
      await ethers.provider.send("evm_increaseTime", [seconds]);
      await ethers.provider.send("evm_mine", []);
    },
  };
}

/** Starts a chain in the process, whose clock starts at `date` and runs with the machine's. */
export async function startLocalChain(date: Date): Promise<LocalChain> {
  const { network } = await hardhat();
  const connection = await network.create({ network: "simulated", override: { initialDate: date } });
  return {
    ethers: connection.ethers,
    ...timeOf(connection.ethers),
    close: () => connection.close(),
  };
}

/** A chain that answers JSON-RPC on the loopback interface, and a connection to it. */
export interface ServedChain extends LocalChain {
  url: string;
}

/** As {@link startLocalChain}, served at `http://127.0.0.1:port`; port 0 takes a free one. */
export async function serveLocalChain(date: Date, port: number): Promise<ServedChain> {
  const { network } = await hardhat();
  const simulated = { network: "simulated", override: { initialDate: date } };
  const server: JsonRpcServer = await network.createServer(simulated, "127.0.0.1", port);
  const { port: bound } = await server.listen();
  const url = `http://127.0.0.1:${bound}`;
  const connection = await network.create({ network: "served", override: { url } });
  return {
    url,
    ethers: connection.ethers,
    ...timeOf(connection.ethers),
    async close() {
      await connection.close();
      await server.close();
    },
  };
}
