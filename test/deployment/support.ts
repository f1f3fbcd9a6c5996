import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { JsonRpcProvider, Network, Wallet } from "ethers";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import { type Configuration, configurationSchema } from "../../cli/deploy/configuration.ts";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { CIRCUITS, type CircuitName } from "../../contracts/statements.ts";
import { CIRCUIT_PLACES, verifyingKeyFile } from "../../protocol/circuitFiles.ts";
import { type VerifyingKey, verifyingKeyHash } from "../../protocol/verifyingKey.ts";
import { createProver, type ProvenStatement } from "../../prover/prover.ts";
import { ROOT } from "../../scripts/setup/paths.ts";
import type { Forger } from "../support/forgedProofs.ts";
import { COMMITTEE_KEY } from "../support/ledgerFixture.ts";
import { lendProver } from "../support/lentProver.ts";

/** A chain of any id behind JSON-RPC. */
export interface TestChain {
  url: string;
  chainId: number;
  close(): Promise<void>;
}

export async function startChain(chainId = 31337): Promise<TestChain> {
  const network = {
    type: "edr-simulated",
    chainType: "l1",
    chainId,
    initialDate: new Date("2026-01-01"),
  } as const;
  const hre = await createHardhatRuntimeEnvironment(
    { plugins: [], networks: { default: network } },
    {},
    ROOT,
  );
  const server = await hre.network.createServer("default", "127.0.0.1", 0);
  const { port } = await server.listen();
  return { url: `http://127.0.0.1:${port}`, chainId, close: () => server.close() };
}

/**
 * Every verification proves the same true insertion. From now on it is proven once, and the proof serves the others too, until what is returned
 * is called.
 */
export function proveOnce(): () => Promise<void> {
  const prover = createProver();
  const proofs = new Map<string, Promise<ProvenStatement>>();
  const takeBack = lendProver({
    ...prover,
    prove(statement) {
      const name = [statement.circuit, ...statement.publicSignals].join();
      const known = proofs.get(name) ?? prover.prove(statement);
      proofs.set(name, known);
      return known;
    },
  });
  return async () => {
    takeBack();
    await prover.close();
  };
}

/** What a test does to the connection at a call of a method: cut it before the node hears of it, or after. */
export type Fault = (method: string) => "before" | "after" | undefined;

/** A run was killed at a call to the node. */
export class Killed extends Error {}

/** A connection that may be cut at any call, as when the process dies there. */
export class FragileProvider extends JsonRpcProvider {
  readonly #fault: Fault;

  constructor({ url, chainId }: TestChain, fault: Fault = () => undefined) {
    const network = Network.from(chainId);
    super(url, network, { staticNetwork: network, batchMaxCount: 1, cacheTimeout: -1, pollingInterval: 20 });
    this.#fault = fault;
  }

  // biome-ignore lint/suspicious/noExplicitAny: the signature is ethers'.
  override async send(method: string, parameters: any[] | Record<string, any>): Promise<any> {
    const fault = this.#fault(method);
    if (fault === "before") throw new Killed(method);
    const result = await super.send(method, parameters);
    if (fault === "after") throw new Killed(method);
    return result;
  }
}

/** The development account that deploys; it has the number 0, those of `account` others. */
export function deployerOn(provider: JsonRpcProvider): Wallet {
  return new Wallet(developmentKey(0), provider);
}

/** Address of a development account. */
export function account(number: number): string {
  return new Wallet(developmentKey(number)).address;
}

/** A configuration that any chain takes, apart from its keys and cash on one that is not local. */
export function configurationOn(chainId: number, overrides: object = {}): Configuration {
  return configurationSchema.parse({
    format: "solvus-deployment-configuration",
    version: 1,
    chainId,
    keys: "development",
    cash: "test",
    committeeKey: COMMITTEE_KEY.map(String),
    openRegistry: false,
    reporters: [1, 2, 3, 4, 5, 6, 7].map((number) => ({ account: account(number), currency: "USD" })),
    fundFloorMicroUsdc: "1000000",
    timelock: { delaySeconds: 172_800, proposers: [account(8)], executors: "anybody" },
    roles: { officer: account(9), guardian: account(10), reporterAdministrator: account(11) },
    ...overrides,
  });
}

/** The verifying key of a forger's words as snarkjs writes it. */
function snarkjsKey(bytes: string): VerifyingKey {
  const words = (bytes.slice(2).match(/.{64}/g) as string[]).map((word) => String(BigInt(`0x${word}`)));
  const g1 = (at: number): string[] => [...words.slice(at, at + 2), "1"];
  const g2 = (at: number): string[][] => {
    const [xIm, xRe, yIm, yRe] = words.slice(at, at + 4) as [string, string, string, string];
    return [
      [xRe, xIm],
      [yRe, yIm],
      ["1", "0"],
    ];
  };
  const nPublic = (words.length - 14) / 2 - 1;
  return {
    ...{ protocol: "groth16", curve: "bn128", nPublic },
    vk_alpha_1: g1(0),
    vk_beta_2: g2(2),
    vk_gamma_2: g2(6),
    vk_delta_2: g2(10),
    IC: Array.from({ length: nPublic + 1 }, (_, index) => g1(14 + 2 * index)),
  };
}

interface ManifestFile {
  keys: string;
  circuits: { name: string; publicSignals: string[]; verifyingKeyHash: string; r1csSha256: string }[];
}

/** What {@link ceremonyFolder} may be told to get wrong. */
export interface CeremonyFlaws {
  /** Changes the manifest before it is written. */
  manifest?(manifest: ManifestFile): void;
  /** Public signals of a circuit's key, where they are not the circuit's. */
  signals?: Partial<Record<CircuitName, number>>;
  /** Scalar of a circuit's delta, where it is not its own. */
  delta?: Partial<Record<CircuitName, bigint>>;
  /** Scalar of a circuit's alpha, where it is not the common one. */
  alpha?: Partial<Record<CircuitName, bigint>>;
}

/** Writes a folder as the ceremony leaves it, with stand-in keys that are not development keys. */
export function ceremonyFolder(folder: string, forger: Forger, flaws: CeremonyFlaws = {}): string {
  mkdirSync(join(folder, "keys"), { recursive: true });
  const manifest: ManifestFile = JSON.parse(readFileSync(CIRCUIT_PLACES.manifest, "utf8"));
  manifest.keys = "ceremony";
  for (const [index, name] of CIRCUITS.entries()) {
    const circuit = manifest.circuits.find((candidate) => candidate.name === name)!;
    const count = flaws.signals?.[name] ?? circuit.publicSignals.length;
    const key = snarkjsKey(
      forger.key({
        alpha: flaws.alpha?.[name] ?? 5n,
        beta: 7n,
        gamma: 11n,
        delta: flaws.delta?.[name] ?? BigInt(100 + index),
        ic: Array.from({ length: count + 1 }, (_, place) => BigInt(1000 * (place + 1) + index)),
      }),
    );
    circuit.verifyingKeyHash = verifyingKeyHash(key);
    writeFileSync(verifyingKeyFile(folder, name), JSON.stringify(key));
  }
  flaws.manifest?.(manifest);
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  return folder;
}

/** The development keys, dressed up as those of a ceremony. */
export function disguisedFolder(folder: string): string {
  mkdirSync(join(folder, "keys"), { recursive: true });
  const manifest = JSON.parse(readFileSync(CIRCUIT_PLACES.manifest, "utf8"));
  writeFileSync(join(folder, "manifest.json"), JSON.stringify({ ...manifest, keys: "ceremony" }));
  for (const name of CIRCUITS)
    copyFileSync(verifyingKeyFile(CIRCUIT_PLACES.build, name), verifyingKeyFile(folder, name));
  return folder;
}
