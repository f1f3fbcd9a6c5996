import { Interface } from "ethers";
import { contractInterfaces } from "./artifacts.ts";

/** The revert data somewhere inside an error of ethers or Hardhat. */
function revertData(error: unknown, depth = 0): string | undefined {
  if (typeof error !== "object" || error === null || depth > 5) return undefined;
  const { data, info, error: inner, cause } = error as Record<string, unknown>;
  if (typeof data === "string" && /^0x[0-9a-f]{8}/i.test(data)) return data;
  for (const candidate of [data, info, inner, cause]) {
    const found = revertData(candidate, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * The custom error with which a contract refused a call, if `error` is such a refusal: `ledger.NullifierSpent` and its arguments. The
 * contracts' documentation of each error states its cause and cure.
 */
export function contractRefusal(error: unknown): { rule: string; message: string } | undefined {
  const data = revertData(error);
  if (data === undefined) return undefined;
  for (const [name, abi] of contractInterfaces()) {
    const parsed = new Interface(abi).parseError(data);
    if (parsed === null) continue;
    const values = parsed.fragment.inputs.map(
      ({ name: field }, index) => `${field} is ${parsed.args[index]}`,
    );
    return {
      rule: `${name}.${parsed.name}`,
      message: values.length > 0 ? values.join(", ") : "the contract refuses this now",
    };
  }
  return { rule: "chain.reverted", message: `a contract refused with unknown data ${data.slice(0, 10)}` };
}
