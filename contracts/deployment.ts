import type { Reporter } from "./signing.ts";

/*
 * How a Solvus is put on a chain, whoever does it: tests and local chains at once, the deployment command step by step with a record.
 */

/** Puts contracts on a chain. Each step has a name of its own; a deployer that keeps a record does each once, however often it is asked. */
export interface Deployer {
  /** The account that deploys. */
  address: string;
  /** Creates a compiled contract and returns its address. */
  contract(step: string, name: string, values: readonly unknown[]): Promise<string>;
  /** Sends a transaction to a contract that was created. */
  call(
    step: string,
    name: string,
    address: string,
    method: string,
    values: readonly unknown[],
  ): Promise<void>;
}

/** Everything that the contracts of a Solvus are told for ever, and the fund's first floor. */
export interface SolvusParameters {
  verifier: string;
  /** The cash token, 6 decimals. */
  cash: string;
  /** The risk committee's Baby Jubjub key. */
  committeeKey: readonly [bigint, bigint];
  reporters: readonly Reporter[];
  /** Whether everybody is admitted. */
  openRegistry: boolean;
  /** Micro-USDC. */
  fundFloor: bigint;
}

/** Addresses of the contracts that {@link deployContracts} creates. */
export interface SolvusAddresses {
  oracle: string;
  registry: string;
  auction: string;
  fund: string;
  ledger: string;
}

/**
 * Creates oracle, registry, auction, insurance fund and ledger, and binds auction and fund to the ledger. The deployer has every role that
 * a constructor gives: DEFAULT_ADMIN_ROLE of oracle, registry, fund and ledger, and the roles of the first three.
 */
export async function deployContracts(
  deployer: Deployer,
  parameters: SolvusParameters,
): Promise<SolvusAddresses> {
  const { verifier, cash, committeeKey, reporters, openRegistry, fundFloor } = parameters;
  const admin = deployer.address;
  const oracle = await deployer.contract("oracle", "RiskOracle", [admin, [...reporters]]);
  const registry = await deployer.contract("registry", "ComplianceRegistry", [admin, openRegistry]);
  const auction = await deployer.contract("auction", "LiquidationAuction", []);
  const fund = await deployer.contract("fund", "InsuranceFund", [admin, cash, fundFloor]);
  const configuration = {
    ...{ admin, verifier, oracle, registry, auction, fund, cash },
    committeeKey: [...committeeKey],
  };
  const ledger = await deployer.contract("ledger", "Ledger", [configuration]);
  await deployer.call("auction.bind", "LiquidationAuction", auction, "bind", [ledger]);
  await deployer.call("fund.bind", "InsuranceFund", fund, "bind", [ledger]);
  return { oracle, registry, auction, fund, ledger };
}

/** Creation code of a data contract: its code is a STOP byte and the given data (hexadecimal with 0x, below 2^16 bytes). */
export function dataContract(data: string): string {
  const bytes = data.slice(2);
  const length = (bytes.length / 2 + 1).toString(16).padStart(4, "0");
  // push2 length, dup1, push1 10, push0, codecopy, push0, return; then the code itself.
  return `0x61${length}80600a5f395ff300${bytes}`;
}
