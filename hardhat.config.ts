import { createRequire } from "node:module";
import hardhatEthers from "@nomicfoundation/hardhat-ethers";
import { defineConfig } from "hardhat/config";

const require = createRequire(import.meta.url);

/** The compiler comes from the npm package `solc`, so that a build needs no download. */
export default defineConfig({
  plugins: [hardhatEthers],
  solidity: {
    version: "0.8.30",
    path: require.resolve("solc/soljson.js"),
    settings: { optimizer: { enabled: true, runs: 10_000 }, viaIR: true },
  },
  paths: {
    sources: "./contracts",
    tests: { solidity: "./test/solidity" },
    artifacts: "./build/artifacts",
    cache: "./build/hardhat-cache",
  },
  networks: {
    default: { type: "edr-simulated", chainType: "l1", chainId: 31337 },
  },
});
