import { dirname, resolve } from "node:path";
import { encodeBytes32String, getAddress } from "ethers";
import { z } from "zod";
import type { Reporter } from "../../contracts/signing.ts";
import { hasPrimeOrder } from "../../protocol/babyJubjub.ts";
import { ensure } from "../../protocol/errors.ts";
import { readJson } from "../../services/files.ts";

/** Chains on which no value is at stake: development keys, test tokens and short delays are admitted, as by the contracts. */
const LOCAL_CHAINS = [31337, 1337];
/** Shortest delay of the timelock, and fewest reporters, on any other chain. */
const MIN_DELAY_SECONDS = 86_400;
const MIN_REPORTERS = 7;
const NOBODY = "0x0000000000000000000000000000000000000000";

export const address = z.string().transform((text, context) => {
  try {
    return getAddress(text);
  } catch {
    context.addIssue({ code: "custom", message: "expected an address, with a right checksum if it has one" });
    return z.NEVER;
  }
});
const decimal = z.string().regex(/^\d{1,78}$/, "expected a decimal number in quotes");

/** The deployment configuration: all that is decided about a Solvus before it is deployed. */
export const configurationSchema = z.strictObject({
  format: z.literal("solvus-deployment-configuration"),
  version: z.literal(1),
  chainId: z.int().min(1),
  /** "development", or the folder of a finished ceremony (relative to the configuration): manifest.json and keys/<circuit>.vkey.json. */
  keys: z.string().min(1),
  /** Address of the cash token, 6 decimals; "test" deploys one that anybody may mint, on a local chain. */
  cash: z.union([z.literal("test"), address]),
  /** The risk committee's Baby Jubjub key. */
  committeeKey: z.tuple([decimal, decimal]),
  openRegistry: z.boolean(),
  reporters: z
    .array(
      z.strictObject({
        account: address,
        currency: z.string().regex(/^[A-Z0-9]{1,16}$/, "expected the code of a currency such as USD or USDC"),
      }),
    )
    .min(1),
  /** Below this balance of the insurance fund the ledger admits no new risk. */
  fundFloorMicroUsdc: decimal,
  timelock: z.strictObject({
    delaySeconds: z.int().min(0),
    /** May propose and cancel. */
    proposers: z.array(address).min(1),
    /** May execute what was proposed, once the delay has passed. */
    executors: z.union([z.literal("anybody"), z.array(address).min(1)]),
  }),
  roles: z.strictObject({
    /** Posts registry roots. */
    officer: address,
    /** Declares and lifts emergencies. */
    guardian: address,
    /** Announces and removes oracle reporters. */
    reporterAdministrator: address,
  }),
  /** Blocks that a step's transaction must be deep before the next step. */
  confirmations: z.int().min(1).default(1),
});

export type Configuration = z.infer<typeof configurationSchema>;

export function isLocalChain(chainId: number): boolean {
  return LOCAL_CHAINS.includes(chainId);
}

/** The reporters as the oracle's constructor takes them. */
export function reportersOf({ reporters }: Configuration): Reporter[] {
  return reporters.map(({ account, currency }) => ({ account, currency: encodeBytes32String(currency) }));
}

/** The committee key as a point. */
export function committeeKeyIn({ committeeKey }: Configuration): readonly [bigint, bigint] {
  return [BigInt(committeeKey[0]), BigInt(committeeKey[1])];
}

/** Reads a configuration, its folder of keys made absolute. Misuse for a file that is none; throws as {@link checkConfiguration}. */
export function readConfiguration(file: string): Configuration {
  const read = readJson(file, "--config", configurationSchema);
  const keys = read.keys === "development" ? read.keys : resolve(dirname(file), read.keys);
  const configuration = { ...read, keys };
  checkConfiguration(configuration);
  return configuration;
}

function requireDistinct(field: string, accounts: readonly string[]): void {
  for (const [place, account] of accounts.entries()) {
    ensure(account !== NOBODY, "deploy.address", `${field}: an address is 0, expected an account`);
    ensure(
      accounts.indexOf(account) === place,
      "deploy.address",
      `${field}: ${account} is named twice, expected once`,
    );
  }
}

/**
 * Refuses what the contracts would refuse, or what nobody should deploy, before anything is spent: `deploy.address`, `deploy.committeeKey`,
 * and on a chain that is not local `deploy.reporters`, `deploy.delay`, `deploy.testCash`, `deploy.developmentKeys`.
 */
export function checkConfiguration(configuration: Configuration): void {
  const { chainId, reporters, timelock, roles, cash, keys } = configuration;
  requireDistinct(
    "reporters",
    reporters.map(({ account }) => account),
  );
  requireDistinct("timelock.proposers", timelock.proposers);
  if (timelock.executors !== "anybody") requireDistinct("timelock.executors", timelock.executors);
  for (const [role, account] of Object.entries(roles)) requireDistinct(`roles.${role}`, [account]);
  ensure(
    hasPrimeOrder(committeeKeyIn(configuration)),
    "deploy.committeeKey",
    "committeeKey is not of the prime subgroup of Baby Jubjub, expected the committee's public key",
  );
  if (isLocalChain(chainId)) return;
  ensure(
    keys !== "development",
    "deploy.developmentKeys",
    `keys is "development" on chain ${chainId}, expected the folder of a finished ceremony: anybody can forge proofs against development keys`,
  );
  ensure(
    cash !== "test",
    "deploy.testCash",
    `cash is "test" on chain ${chainId}, expected the address of the cash token`,
  );
  ensure(
    reporters.length >= MIN_REPORTERS,
    "deploy.reporters",
    `reporters are ${reporters.length} on chain ${chainId}, expected at least ${MIN_REPORTERS}`,
  );
  ensure(
    timelock.delaySeconds >= MIN_DELAY_SECONDS,
    "deploy.delay",
    `timelock.delaySeconds is ${timelock.delaySeconds} on chain ${chainId}, expected at least ${MIN_DELAY_SECONDS}`,
  );
}

/** Throws `deploy.deployer` when the deployer is given something to hold: its key lies on the machine that deploys. */
export function requireNoPower(configuration: Configuration, deployer: string): void {
  const { reporters, timelock, roles } = configuration;
  const holders = [
    ...reporters.map(({ account }) => account),
    ...timelock.proposers,
    ...(timelock.executors === "anybody" ? [] : timelock.executors),
    ...Object.values(roles),
  ];
  ensure(
    !holders.includes(deployer),
    "deploy.deployer",
    `deployer ${deployer} is named as a reporter or holder of a role, expected an account that holds nothing afterwards`,
  );
}
