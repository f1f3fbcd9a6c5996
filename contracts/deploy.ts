import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import type { Contract, Signer } from "ethers";
import { type Deployer, dataContract, deployContracts } from "./deployment.ts";
import { type Reporter, reporterOf } from "./signing.ts";
import { CIRCUITS, type CircuitName } from "./statements.ts";

/** Which proofs the deployed ledger accepts. */
export type VerifierChoice =
  /** The generated verifying keys of `contracts/generated`. */
  | "generated"
  /** The test double `IdealVerifier`, for tests of the ledger's own rules. */
  | "ideal"
  /** Keys of one's own: 32-byte words alpha, beta, gamma, delta, IC in hexadecimal, G2 as in EIP-197. */
  | Record<CircuitName, string>;

export interface SolvusOptions {
  /** The risk committee's Baby Jubjub key, to which accounts are escrowed. */
  committeeKey: readonly [bigint, bigint];
  /** Deploys everything and administers it: every role. First signer by default. */
  admin?: Signer;
  /** The oracle's reporters; by default the administrator alone, with prices in dollars. A public chain wants at least seven. */
  reporters?: readonly Reporter[];
  /** Whether everybody is admitted (registry root 0). True by default. */
  openRegistry?: boolean;
  /** Address of the cash token, 6 decimals; by default a token that anybody may mint. */
  cash?: string;
  verifier?: VerifierChoice;
  /** Floor of the insurance fund, micro-USDC: below it the ledger admits no new risk. 0 by default. */
  fundFloor?: bigint;
  /** First deposit into the insurance fund, micro-USDC, by the administrator, who must hold it unless the cash token is the default. */
  fundDeposit?: bigint;
}

export interface SolvusContracts {
  ledger: Contract;
  oracle: Contract;
  registry: Contract;
  verifier: Contract;
  auction: Contract;
  fund: Contract;
  /** The cash token. */
  usdc: Contract;
  addresses: {
    ledger: string;
    oracle: string;
    registry: string;
    verifier: string;
    auction: string;
    fund: string;
    usdc: string;
  };
}

/**
 * Deploys a whole Solvus: cash token, oracle, registry, verifier with its keys, auction, insurance fund, ledger, and binds auction and
 * fund to the ledger. The administrator is also given the roles of lister and guardian.
 */
export async function deploySolvus(ethers: HardhatEthers, options: SolvusOptions): Promise<SolvusContracts> {
  const admin = options.admin ?? (await ethers.getSigners())[0];
  const adminAddress = await admin.getAddress();
  const usdc = options.cash
    ? await ethers.getContractAt("TestToken", options.cash, admin)
    : await ethers.deployContract("TestToken", ["USD Coin", "USDC", 6], admin);
  const verifier = await deployVerifier(ethers, options.verifier ?? "generated", admin);
  const created = await deployContracts(directDeployer(ethers, admin, adminAddress), {
    verifier: await verifier.getAddress(),
    cash: await usdc.getAddress(),
    committeeKey: options.committeeKey,
    reporters: options.reporters ?? [reporterOf(adminAddress)],
    openRegistry: options.openRegistry ?? true,
    fundFloor: options.fundFloor ?? 0n,
  });
  const at = (name: string, address: string): Promise<Contract> =>
    ethers.getContractAt(name, address, admin) as unknown as Promise<Contract>;
  const ledger = await at("Ledger", created.ledger);
  const fund = await at("InsuranceFund", created.fund);
  for (const role of [await ledger.LISTER_ROLE(), await ledger.GUARDIAN_ROLE()]) {
    await (await ledger.grantRole(role, adminAddress)).wait();
  }
  if (options.fundDeposit) {
    if (!options.cash) await (await usdc.mint(adminAddress, options.fundDeposit)).wait();
    await (await usdc.approve(created.fund, options.fundDeposit)).wait();
    await (await fund.deposit(options.fundDeposit)).wait();
  }
  return {
    ledger,
    oracle: await at("RiskOracle", created.oracle),
    registry: await at("ComplianceRegistry", created.registry),
    verifier,
    auction: await at("LiquidationAuction", created.auction),
    fund,
    usdc,
    addresses: {
      ...created,
      verifier: await verifier.getAddress(),
      usdc: await usdc.getAddress(),
    },
  };
}

/** A deployer that sends each step at once and keeps no record. */
function directDeployer(ethers: HardhatEthers, signer: Signer, address: string): Deployer {
  return {
    address,
    async contract(_, name, values) {
      return (await ethers.deployContract(name, [...values], signer)).getAddress();
    },
    async call(_, name, target, method, values) {
      const contract = await ethers.getContractAt(name, target, signer);
      await (await contract.getFunction(method)(...values)).wait();
    },
  };
}

/** Deploys the verifier of the ledger's proofs, and before it the data contracts of its keys. */
export async function deployVerifier(
  ethers: HardhatEthers,
  choice: VerifierChoice,
  deployer: Signer,
): Promise<Contract> {
  if (choice === "ideal") return ethers.deployContract("IdealVerifier", deployer);
  if (choice === "generated") {
    const publisher = await ethers.deployContract("VerifyingKeyPublisher", deployer);
    return ethers.deployContract("Groth16Verifier", [[...(await publisher.keys())]], deployer);
  }
  const keys: string[] = [];
  for (const name of CIRCUITS) keys.push(await deployData(deployer, choice[name]));
  return ethers.deployContract("Groth16Verifier", [keys], deployer);
}

/**
 * Creates a contract whose code is a STOP byte and the given data.
 * @returns its address
 */
export async function deployData(deployer: Signer, data: string): Promise<string> {
  const transaction = await deployer.sendTransaction({ data: dataContract(data) });
  const receipt = await transaction.wait();
  return receipt!.contractAddress!;
}
