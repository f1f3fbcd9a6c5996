import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
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

const simulated = { type: "edr-simulated", chainType: "l1", chainId: 31337 } as const;

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
  const hre = await createHardhatRuntimeEnvironment(
    { ...config, networks: { default: { ...simulated, initialDate: date } } },
    {},
    ROOT,
  );
  const connection = await hre.network.create();
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
  const served = await createHardhatRuntimeEnvironment(
    { ...config, networks: { default: { ...simulated, initialDate: date } } },
    {},
    ROOT,
  );
  const server: JsonRpcServer = await served.network.createServer("default", "127.0.0.1", port);
  const { port: bound } = await server.listen();
  const url = `http://127.0.0.1:${bound}`;
  const client = await createHardhatRuntimeEnvironment(
    { ...config, networks: { default: { type: "http", chainType: "l1", url } } },
    {},
    ROOT,
  );
  const connection = await client.network.create();
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
