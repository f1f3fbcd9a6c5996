import { type ErrorFragment, Interface } from "ethers";
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

interface KnownError {
  /** Name of the contract in rules. */
  name: string;
  contract: Interface;
  fragment: ErrorFragment;
}

/** Custom errors by selector. Made once: services ask for every item, and reading takes milliseconds. */
let known: Map<string, KnownError> | undefined;

function knownErrors(): Map<string, KnownError> {
  const errors = new Map<string, KnownError>();
  for (const [name, abi] of contractInterfaces()) {
    const contract = new Interface(abi);
    contract.forEachError((fragment) => {
      // Of contracts that share an error the first one names it.
      if (!errors.has(fragment.selector)) errors.set(fragment.selector, { name, contract, fragment });
    });
  }
  return errors;
}

/** The text that a contract of others reverted with, or the number of its panic. */
function revertReason(data: string): string | undefined {
  const parsed = new Interface([]).parseError(data);
  return parsed === null
    ? undefined
    : `${parsed.name}(${JSON.stringify(String(parsed.args[0])).slice(0, 200)})`;
}

/**
 * The custom error with which a contract refused a call, if `error` is such a refusal: `ledger.NullifierSpent` and its arguments. The
 * contracts' documentation of each error states its cause and cure.
 */
export function contractRefusal(error: unknown): { rule: string; message: string } | undefined {
  const data = revertData(error);
  if (data === undefined) return undefined;
  known ??= knownErrors();
  const found = known.get(data.slice(0, 10).toLowerCase());
  if (found !== undefined) {
    const { name, contract, fragment } = found;
    const values = contract.decodeErrorResult(fragment, data);
    const parts = fragment.inputs.map(({ name: field }, index) => `${field} is ${values[index]}`);
    return {
      rule: `${name}.${fragment.name}`,
      message: parts.length > 0 ? parts.join(", ") : "the contract refuses this now",
    };
  }
  const reason = revertReason(data);
  if (reason !== undefined) return { rule: "chain.reverted", message: `a contract refused: ${reason}` };
  return { rule: "chain.reverted", message: `a contract refused with unknown data ${data.slice(0, 10)}` };
}
