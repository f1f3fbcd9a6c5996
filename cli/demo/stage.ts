import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Contract } from "ethers";
import { deploySolvus, type VerifierChoice } from "../../contracts/deploy.ts";
import { reporterOf } from "../../contracts/signing.ts";
import { SUBGROUP_ORDER } from "../../protocol/babyJubjub.ts";
import { tokenUnitsPerLot } from "../../protocol/instrument.ts";
import { committeeKeyOf } from "../../protocol/openEscrow.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { createProver, type Prover } from "../../prover/prover.ts";
import { abiOf } from "../../services/chain/artifacts.ts";
import { attach, type Deployed } from "../../services/chain/deployment.ts";
import { randomFieldElement } from "../account/secrets.ts";
import type { LocalChain } from "../chain/localChain.ts";

/** Quote currencies of the sources of a local oracle's reporters. */
const CURRENCIES = ["USD", "USDT", "USDC", "USD", "USDT", "USDC", "USD"];
/** How many reporters a local oracle has; any two may be faulty. */
export const REPORTERS = CURRENCIES.length;
/** Reporters that sign: 2f + 1 of 3f + 1, the other two standing for the faulty ones. */
export const QUORUM = 5;

/** Everything that a local Solvus runs with. Signers are the chain's funded development accounts. */
export interface Stage {
  deployed: Deployed;
  prover: Prover;
  admin: HardhatEthersSigner;
  reporters: HardhatEthersSigner[];
  traders: HardhatEthersSigner[];
  /** Takes over accounts below their margin. */
  keeper: HardhatEthersSigner;
  /** Seals, inserts, submits for others. */
  relayer: HardhatEthersSigner;
  /** The risk committee's private key. */
  committeeKey: bigint;
}

/** What the insurance fund of a local chain starts with, and its floor, micro-USDC. */
export const FUND_BALANCE = 250_000_000_000n;
export const FUND_FLOOR = 50_000_000_000n;

/** Deploys Solvus on a local chain, unless told otherwise with the development keys of the set-up. */
export async function setStage(
  local: LocalChain,
  options: { openRegistry: boolean; verifier?: VerifierChoice; fund?: bigint; fundFloor?: bigint },
): Promise<Stage> {
  const { fund = FUND_BALANCE, fundFloor = FUND_FLOOR, ...choices } = options;
  // Says what to do before set-up, which a missing artifact would not.
  abiOf("ledger");
  const { ethers } = local;
  const [admin, first, second, relayer, ...others] = await ethers.getSigners();
  const reporters = others.slice(0, REPORTERS);
  const keeper = others[REPORTERS];
  const committeeKey = (randomFieldElement() % (SUBGROUP_ORDER - 1n)) + 1n;
  const fromBlock = await ethers.provider.getBlockNumber();
  const { addresses } = await deploySolvus(ethers, {
    committeeKey: committeeKeyOf(committeeKey),
    admin,
    reporters: reporters.map(({ address }, place) => reporterOf(address, CURRENCIES[place])),
    fundFloor,
    fundDeposit: fund,
    ...choices,
  });
  const { ledger, oracle, registry, usdc } = addresses;
  const { chainId } = await ethers.provider.getNetwork();
  const deployed = await attach(ethers.provider, {
    format: "solvus-deployment",
    version: 1,
    chainId: Number(chainId),
    fromBlock,
    ledger,
    oracle,
    registry,
    usdc,
  });
  const prover = createProver({ chain: deployed.chain });
  return { deployed, prover, admin, reporters, traders: [first, second], keeper, relayer, committeeKey };
}

/** A listed spot asset: its instrument, its token, and the token's smallest units in a lot. */
export interface ListedAsset {
  id: bigint;
  name: string;
  token: Contract;
  unitsPerLot: bigint;
  decimals: number;
}

/** Deploys a token for every spot instrument of a snapshot and lists it, so that it can be deposited as collateral. */
export async function listSpotAssets(
  local: LocalChain,
  { deployed, admin }: Stage,
  snapshot: MarketSnapshot,
): Promise<ListedAsset[]> {
  const assets: ListedAsset[] = [];
  for (const { name, index, spot } of snapshot.inputs.underlyings) {
    if (spot === undefined) continue;
    // A dollar token has six decimals as USDT does, a coin eight as bitcoin does.
    const decimals = index < 2_000_000 ? 6 : 8;
    const token = await local.ethers.deployContract("TestToken", [`Local ${name}`, name, decimals], admin);
    const unitsPerLot = tokenUnitsPerLot(spot.lotExponent, decimals);
    const ledger = deployed.ledger.connect(admin) as Contract;
    await (await ledger.listAsset(spot.id, await token.getAddress(), unitsPerLot)).wait();
    assets.push({ id: BigInt(spot.id), name, token, unitsPerLot, decimals });
  }
  return assets;
}
