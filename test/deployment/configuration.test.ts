import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ContractFactory, Wallet } from "ethers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { artifactOf } from "../../cli/deploy/artifacts.ts";
import {
  type Configuration,
  checkConfiguration,
  configurationSchema,
} from "../../cli/deploy/configuration.ts";
import { deploy } from "../../cli/deploy/deploy.ts";
import { keyPlaces, loadKeys } from "../../cli/deploy/keys.ts";
import { verifyDeployment } from "../../cli/deploy/verify.ts";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { CIRCUITS } from "../../contracts/statements.ts";
import { ROOT } from "../../scripts/setup/paths.ts";
import { createForger, type Forger } from "../support/forgedProofs.ts";
import { ruleOf } from "../support/rule.ts";
import {
  account,
  type CeremonyFlaws,
  ceremonyFolder,
  configurationOn,
  deployerOn,
  disguisedFolder,
  FragileProvider,
  startChain,
  type TestChain,
} from "./support.ts";

/* What is refused before anything is spent, and a deployment on a chain that is not local, with keys that are not development keys. */

const PUBLIC_CHAIN = 10;
let directory: string;
let chain: TestChain;
let provider: FragileProvider;
let forger: Forger;
let folders = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "solvus-public-"));
  forger = await createForger();
  chain = await startChain(PUBLIC_CHAIN);
  provider = new FragileProvider(chain);
});
afterAll(async () => {
  provider?.destroy();
  await chain?.close();
  await forger?.close();
  rmSync(directory, { recursive: true, force: true });
});

const folder = (): string => join(directory, `keys-${folders++}`);
const ceremony = (flaws?: CeremonyFlaws): string => ceremonyFolder(folder(), forger, flaws);

function start(configuration: Configuration, name = "refused.json"): ReturnType<typeof deploy> {
  const wallet = deployerOn(provider);
  return deploy({ configuration, recordFile: join(directory, name), provider, wallet, log: () => {} });
}

/** Expects a refusal that neither sent a transaction nor left a record. */
async function refusedUnspent(rule: string, configuration: Configuration): Promise<void> {
  await expect(start(configuration)).rejects.toThrow(expect.objectContaining({ rule }));
  expect(await provider.getTransactionCount(account(0), "pending")).toBe(0);
  expect(readdirSync(directory).filter((name) => name.startsWith("refused"))).toEqual([]);
}

describe("on a chain that is not local", () => {
  const publicly = (overrides: object): Configuration =>
    configurationOn(PUBLIC_CHAIN, { keys: "/none", cash: account(12), ...overrides });

  test.each([
    ["development keys", "deploy.developmentKeys", { keys: "development" }],
    ["a token that anybody may mint", "deploy.testCash", { cash: "test" }],
    ["six reporters", "deploy.reporters", { reporters: publicly({}).reporters.slice(1) }],
    [
      "a timelock of less than a day",
      "deploy.delay",
      { timelock: { delaySeconds: 86_399, proposers: [account(8)], executors: "anybody" } },
    ],
  ])("a configuration with %s is refused", (_, rule, overrides) => {
    expect(ruleOf(() => checkConfiguration(publicly({})))).toBeUndefined();
    expect(ruleOf(() => checkConfiguration(publicly(overrides)))).toBe(rule);
    const local = configurationOn(31337, { ...overrides, ...("keys" in overrides ? {} : { keys: "/none" }) });
    expect(ruleOf(() => checkConfiguration(local))).toBeUndefined();
  });

  test("development keys in the clothes of a ceremony are refused before anything is spent", async () => {
    const keys = disguisedFolder(folder());
    await refusedUnspent(
      "deploy.developmentKeys",
      configurationOn(PUBLIC_CHAIN, { keys, cash: account(12) }),
    );
  });

  test("keys of a ceremony are deployed, and the result is verified", { timeout: 120_000 }, async () => {
    // The cash token is somebody else's: deployed by another account.
    const own = await startChain(PUBLIC_CHAIN);
    const connection = new FragileProvider(own);
    try {
      const { abi, bytecode } = artifactOf("TestToken");
      const issuer = new Wallet(developmentKey(13), connection);
      const token = await new ContractFactory(abi, bytecode, issuer).deploy("USD Coin", "USDC", 6);
      await token.waitForDeployment();
      const keys = ceremony();
      const configuration = configurationOn(PUBLIC_CHAIN, { keys, cash: await token.getAddress() });
      const record = await deploy({
        configuration,
        recordFile: join(directory, "public.json"),
        provider: connection,
        wallet: deployerOn(connection),
        log: () => {},
      });
      const { accepted, checks } = await verifyDeployment(connection, record, keyPlaces(keys));
      expect(checks.filter(({ passed }) => passed === false)).toEqual([]);
      expect(accepted).toBe(true);
      // There is no proving key in the folder, so that nothing true can be proven.
      expect(checks.filter(({ passed }) => passed === undefined).map(({ name }) => name)).toEqual([
        "trueProof",
      ]);
      expect(checks.find(({ name }) => name === "keys.production")).toMatchObject({ passed: true });
      const withOthers = await verifyDeployment(connection, record, keyPlaces("development"));
      expect(withOthers.accepted).toBe(false);
      expect(
        withOthers.checks.filter(({ name, passed }) => name.startsWith("key.") && passed === false),
      ).toHaveLength(CIRCUITS.length);
    } finally {
      connection.destroy();
      await own.close();
    }
  });
});

test("the configuration in the documentation is one", () => {
  const text = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
  const [, block] = /```json\n(\{\s+"format": "solvus-deployment-configuration"[^`]+)```/.exec(
    text,
  ) as RegExpExecArray;
  checkConfiguration(configurationSchema.parse(JSON.parse(block as string)));
});

describe("before anything is spent", () => {
  const withKeys = (overrides: object = {}): Configuration =>
    configurationOn(PUBLIC_CHAIN, { keys: ceremony(), cash: account(12), ...overrides });

  test("another chain, a cash token that is none, a deployer with power", async () => {
    await refusedUnspent("deploy.chain", withKeys({ chainId: 11 }));
    await refusedUnspent("deploy.cash", withKeys());
    const roles = { officer: account(0), guardian: account(10), reporterAdministrator: account(11) };
    await refusedUnspent("deploy.deployer", withKeys({ roles }));
  });

  test("a committee key off the curve or of low order; addresses that are 0 or named twice", () => {
    const check = (overrides: object) => ruleOf(() => checkConfiguration(configurationOn(31337, overrides)));
    for (const committeeKey of [
      ["1", "1"],
      ["0", "1"],
    ])
      expect(check({ committeeKey })).toBe("deploy.committeeKey");
    const nobody = `0x${"0".repeat(40)}`;
    const reporter = { account: account(1), currency: "USD" };
    expect(check({ reporters: [reporter, reporter] })).toBe("deploy.address");
    expect(check({ reporters: [{ account: nobody, currency: "USD" }] })).toBe("deploy.address");
    for (const timelock of [
      { delaySeconds: 5, proposers: [nobody], executors: "anybody" },
      { delaySeconds: 5, proposers: [account(8)], executors: [account(9), account(9)] },
    ])
      expect(check({ timelock })).toBe("deploy.address");
    expect(
      check({ roles: { officer: nobody, guardian: account(10), reporterAdministrator: account(11) } }),
    ).toBe("deploy.address");
  });
});

describe("a folder of keys", () => {
  const ruleFor = async (keys: string): Promise<string | undefined> => {
    try {
      await loadKeys(keys);
      return undefined;
    } catch (error) {
      return (error as { rule?: string }).rule;
    }
  };

  test("of a ceremony is taken, in the order of the verifier's circuits", async () => {
    const loaded = await loadKeys(ceremony());
    expect(loaded.map(({ circuit }) => circuit)).toEqual([...CIRCUITS]);
  });

  test("that is absent, or without a manifest", async () => {
    expect(await ruleFor("/none")).toBe("deploy.manifest");
    expect(await ruleFor(directory)).toBe("deploy.manifest");
  });

  test("of other circuits: another constraint system, other public signals, one left out", async () => {
    type Circuits = { name: string; r1csSha256: string; publicSignals: string[] }[];
    const changes: ((circuits: Circuits) => void)[] = [
      (circuits) => {
        (circuits[3] as Circuits[0]).r1csSha256 = "0".repeat(64);
      },
      (circuits) => {
        (circuits[3] as Circuits[0]).publicSignals.push("more");
      },
      (circuits) => {
        circuits.splice(3, 1);
      },
    ];
    for (const change of changes)
      expect(await ruleFor(ceremony({ manifest: ({ circuits }) => change(circuits) }))).toBe(
        "deploy.circuits",
      );
  });

  test("whose key has another number of public signals than its circuit", async () => {
    for (const signals of [{ insertion: 4 }, { open: 14 }])
      expect(await ruleFor(ceremony({ signals }))).toBe("setup.keyMismatch");
  });

  test("whose key is not the one that its manifest pins", async () => {
    const keys = ceremony({
      manifest: ({ circuits }) => {
        const [first, second] = circuits as unknown as Record<"verifyingKeyHash", string>[];
        [first!.verifyingKeyHash, second!.verifyingKeyHash] = [
          second!.verifyingKeyHash,
          first!.verifyingKeyHash,
        ];
      },
    });
    expect(await ruleFor(keys)).toBe("setup.keyMismatch");
  });

  test("of two first phases, with a delta used twice, or with delta equal to gamma", async () => {
    expect(await ruleFor(ceremony({ alpha: { insertion: 6n } }))).toBe("deploy.keys");
    expect(await ruleFor(ceremony({ delta: { insertion: 100n } }))).toBe("deploy.keys");
    expect(await ruleFor(ceremony({ delta: { open: 11n } }))).toBe("deploy.keys");
  });
});
