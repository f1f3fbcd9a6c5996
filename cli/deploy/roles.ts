import { id, ZeroHash } from "ethers";
import type { SolvusAddresses } from "../../contracts/deployment.ts";
import type { Configuration } from "./configuration.ts";
import type { RecordedDeployer } from "./recordedDeployer.ts";

/** Addresses of everything that has roles. */
export interface RoledAddresses extends SolvusAddresses {
  timelock: string;
}

/** Who holds a role once a deployment is done: exactly these. */
export interface RoleHolders {
  /** Step of the contract: `ledger`, `oracle`, … */
  contract: keyof RoledAddresses;
  /** Its compiled name. */
  artifact: string;
  role: string;
  holders: string[];
}

/** The role that grants the others, and the roles that constructors give to the deployer. */
const ADMIN = "DEFAULT_ADMIN_ROLE";
const ANYBODY = "0x0000000000000000000000000000000000000000";

/** The identifier of a role as the contracts compute it. */
export function roleId(role: string): string {
  return role === ADMIN ? ZeroHash : id(role);
}

/**
 * All roles of a Solvus and their holders. Whatever sets a parameter, lists an asset or grants a role waits for the timelock; what must act
 * at once, and can do little, has an account of its own.
 */
export function expectedRoles({ roles, timelock }: Configuration, addresses: RoledAddresses): RoleHolders[] {
  const locked = [addresses.timelock];
  const { proposers, executors } = timelock;
  return [
    { contract: "timelock", artifact: "TimelockController", role: ADMIN, holders: locked },
    { contract: "timelock", artifact: "TimelockController", role: "PROPOSER_ROLE", holders: proposers },
    { contract: "timelock", artifact: "TimelockController", role: "CANCELLER_ROLE", holders: proposers },
    {
      contract: "timelock",
      artifact: "TimelockController",
      role: "EXECUTOR_ROLE",
      holders: executors === "anybody" ? [ANYBODY] : executors,
    },
    {
      contract: "oracle",
      artifact: "RiskOracle",
      role: "REPORTER_ADMIN_ROLE",
      holders: [roles.reporterAdministrator],
    },
    { contract: "oracle", artifact: "RiskOracle", role: ADMIN, holders: locked },
    { contract: "registry", artifact: "ComplianceRegistry", role: "OFFICER_ROLE", holders: [roles.officer] },
    { contract: "registry", artifact: "ComplianceRegistry", role: ADMIN, holders: locked },
    { contract: "fund", artifact: "InsuranceFund", role: "PARAMETER_ROLE", holders: locked },
    { contract: "fund", artifact: "InsuranceFund", role: ADMIN, holders: locked },
    { contract: "ledger", artifact: "Ledger", role: "LISTER_ROLE", holders: locked },
    { contract: "ledger", artifact: "Ledger", role: "GUARDIAN_ROLE", holders: [roles.guardian] },
    { contract: "ledger", artifact: "Ledger", role: ADMIN, holders: locked },
  ];
}

/** Roles that a constructor gave to the deployer. */
const CONSTRUCTED: Partial<Record<keyof RoledAddresses, string[]>> = {
  oracle: ["REPORTER_ADMIN_ROLE", ADMIN],
  registry: ["OFFICER_ROLE", ADMIN],
  fund: ["PARAMETER_ROLE", ADMIN],
  ledger: [ADMIN],
};

/** Grants every role to its holders, then gives up the deployer's own, on each contract the administration last. */
export async function handOver(
  deployer: RecordedDeployer,
  expected: readonly RoleHolders[],
  addresses: RoledAddresses,
): Promise<void> {
  // The timelock's constructor has given its roles to their holders.
  for (const { contract, artifact, role, holders } of expected.filter(
    (entry) => entry.contract !== "timelock",
  )) {
    for (const [place, holder] of holders.entries()) {
      const step = `${contract}.grant.${role}${place === 0 ? "" : `.${place}`}`;
      await deployer.call(step, artifact, addresses[contract], "grantRole", [roleId(role), holder]);
    }
  }
  for (const { contract, artifact, role } of expected) {
    if (!CONSTRUCTED[contract]?.includes(role)) continue;
    const values = [roleId(role), deployer.address];
    await deployer.call(
      `${contract}.renounce.${role}`,
      artifact,
      addresses[contract],
      "renounceRole",
      values,
    );
  }
}
