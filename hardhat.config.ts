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

/** The handler of the invariants is large, and the IR takes five times as long for it. */
const quick = { ...compiler(1), settings: { optimizer: { enabled: true, runs: 1 } } };

/** Random sequences of this many calls; no action of a handler reverts. */
const sequences = (runs: number, depth: number) => ({ runs, depth, failOnRevert: true });

export default defineConfig({
  plugins: [hardhatEthers],
  // The ledger is held below the 24,576 bytes that a contract's code may have.
  solidity: {
    compilers: [compiler(10_000)],
    overrides: {
      "contracts/Ledger.sol": compiler(200),
      "test/solidity/HostileTokens.t.sol": quick,
      "test/solidity/LedgerInvariants.t.sol": quick,
    },
    npmFilesToBuild: ["@openzeppelin/contracts/governance/TimelockController.sol"],
  },
  paths: {
    sources: "./contracts",
    tests: { solidity: "./test/solidity" },
    artifacts: "./build/artifacts",
    cache: "./build/hardhat-cache",
  },
  test: {
    solidity: {
      profiles: {
        default: { invariant: sequences(2, 60) },
        long: { invariant: sequences(40, 500), fuzz: { seed: process.env.SOLVUS_FUZZ_SEED ?? "0x1" } },
      },
    },
  },
  networks: {
    default: { type: "edr-simulated", chainType: "l1", chainId: 31337 },
  },
});
