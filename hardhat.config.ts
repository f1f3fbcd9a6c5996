import { createRequire } from "node:module";
import hardhatEthers from "@nomicfoundation/hardhat-ethers";
import { defineConfig } from "hardhat/config";

const require = createRequire(import.meta.url);

/** The compiler comes from the npm package `solc`, so that a build needs no download. */
const compiler = (runs: number) => ({
  version: "0.8.30",
  path: require.resolve("solc/soljson.js"),
  settings: { optimizer: { enabled: true, runs }, viaIR: true },
});

export default defineConfig({
  plugins: [hardhatEthers],
  // The ledger is held below the 24,576 bytes that a contract's code may have.
  solidity: {
    compilers: [compiler(10_000)],
    overrides: { "contracts/Ledger.sol": compiler(200) },
    npmFilesToBuild: ["@openzeppelin/contracts/governance/TimelockController.sol"],
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
