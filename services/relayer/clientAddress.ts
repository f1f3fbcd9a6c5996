import { isIPv6 } from "node:net";

const GROUPS = 8;
const NETWORK_GROUPS = 4;

/** Whom limits count as one client: an IPv4 address, or an IPv6 network of 64 bits, which is the least that a customer is given. */
export function clientOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1] as string;
  const [plain] = address.split("%") as [string];
  if (!isIPv6(plain)) return address;
  const [head, tail] = plain.split("::").map(groupsOf) as [string[], string[] | undefined];
  const zeros = Array<string>(GROUPS - head.length - (tail?.length ?? 0)).fill("0");
  const network = [...head, ...zeros, ...(tail ?? [])].slice(0, NETWORK_GROUPS);
  return `${network.map((group) => Number.parseInt(group, 16).toString(16)).join(":")}::/64`;
}

/** The groups of a part of an address; an IPv4 address at its end stands for two. */
function groupsOf(part: string): string[] {
  return part === "" ? [] : part.split(":").flatMap((group) => (group.includes(".") ? ["0", "0"] : [group]));
}
