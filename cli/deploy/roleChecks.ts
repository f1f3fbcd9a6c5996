import { Contract, getAddress, id, type Log, type Provider, ZeroHash } from "ethers";
import { artifactOf } from "./artifacts.ts";
import { type Check, equal } from "./checks.ts";
import { type DeploymentRecord, doneStep } from "./record.ts";
import { expectedRoles, type RoledAddresses, type RoleHolders, roleId } from "./roles.ts";

const GRANTED = id("RoleGranted(bytes32,address,address)");
const REVOKED = id("RoleRevoked(bytes32,address,address)");
const BLOCKS_PER_QUERY = 10_000;

/** Holders of every role that a contract ever granted, from its events: contracts do not list them. */
async function holdersOf(
  provider: Provider,
  contract: string,
  fromBlock: number,
): Promise<Map<string, string[]>> {
  const last = await provider.getBlockNumber();
  const logs: Log[] = [];
  for (let first = fromBlock; first <= last; first += BLOCKS_PER_QUERY) {
    const toBlock = Math.min(last, first + BLOCKS_PER_QUERY - 1);
    logs.push(
      ...(await provider.getLogs({
        address: contract,
        fromBlock: first,
        toBlock,
        topics: [[GRANTED, REVOKED]],
      })),
    );
  }
  const holders = new Map<string, Set<string>>();
  for (const { topics } of logs.sort((a, b) => a.blockNumber - b.blockNumber || a.index - b.index)) {
    const [event, role, account] = topics as [string, string, string];
    const held = holders.get(role) ?? new Set();
    const address = getAddress(`0x${account.slice(26)}`);
    if (event === GRANTED) held.add(address);
    else held.delete(address);
    holders.set(role, held);
  }
  return new Map([...holders].map(([role, held]) => [role, [...held].sort()]));
}

/** The roles of one contract: exactly the expected holders by its events and by its own word, each role granted by the right one. */
async function contractChecks(
  provider: Provider,
  address: string,
  fromBlock: number,
  expected: readonly RoleHolders[],
): Promise<Check[]> {
  const { contract, artifact } = expected[0] as RoleHolders;
  const face = new Contract(address, artifactOf(artifact).abi, provider);
  const found = await holdersOf(provider, address, fromBlock);
  const checks = await Promise.all(
    expected.map(async ({ role, holders }) => {
      const known = await Promise.all(holders.map((holder) => face.hasRole(roleId(role), holder)));
      const administrator = await face.getRoleAdmin(roleId(role));
      const listed = found.get(roleId(role)) ?? [];
      found.delete(roleId(role));
      const wanted = [...holders].sort();
      const name = `${contract}.${role}`;
      if (!known.every(Boolean)) return { ...equal(name, listed, wanted), passed: false };
      return administrator === ZeroHash
        ? equal(name, listed, wanted)
        : equal(name, `granted by role ${administrator}`, "granted by DEFAULT_ADMIN_ROLE");
    }),
  );
  const others = [...found].filter(([, holders]) => holders.length > 0);
  return [...checks, equal(`${contract}.otherRoles`, others, [])];
}

/** Every role of a deployment has exactly the holders that its configuration says; so the deployer has none. */
export async function roleChecks(
  provider: Provider,
  record: DeploymentRecord,
  addresses: RoledAddresses,
): Promise<Check[]> {
  const expected = expectedRoles(record.configuration, addresses);
  const contracts = [...new Set(expected.map(({ contract }) => contract))];
  const checks = await Promise.all(
    contracts.map((contract) =>
      contractChecks(
        provider,
        addresses[contract],
        Math.min(record.fromBlock, doneStep(record, contract).block as number),
        expected.filter((entry) => entry.contract === contract),
      ),
    ),
  );
  return checks.flat();
}
