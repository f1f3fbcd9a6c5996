import {
  AbiCoder,
  Contract,
  Interface,
  keccak256,
  type ParamType,
  type Provider,
  type Signer,
  type TransactionReceipt,
  ZeroHash,
} from "ethers";
import { ensure, Misuse, SolvusError } from "../../protocol/errors.ts";
import { artifactOf } from "./artifacts.ts";
import { type DeploymentRecord, doneStep } from "./record.ts";
import { roleId } from "./roles.ts";

/** Contracts of a deployment that the timelock administers. */
export const ADMINISTERED: Record<string, string> = {
  ledger: "Ledger",
  oracle: "RiskOracle",
  registry: "ComplianceRegistry",
  fund: "InsuranceFund",
  timelock: "TimelockController",
};

/** One call that the timelock is to make. */
export interface Operation {
  timelock: string;
  target: string;
  /** The call, hexadecimal. */
  data: string;
  /** Tells operations with the same call apart. */
  salt: string;
  /** Identifier in the timelock. */
  id: string;
}

/** Where an operation stands. */
export interface OperationState {
  state: "unknown" | "waiting" | "ready" | "done";
  /** Unix seconds from which it may be executed; undefined when it is unknown or done. */
  readyAt?: number;
}

const STATES = ["unknown", "waiting", "ready", "done"] as const;

/** An argument's text as its type wants it: names of roles for their identifiers, JSON for lists. */
function argumentOf(type: ParamType, text: string): unknown {
  if (type.baseType === "array" || type.baseType === "tuple") return JSON.parse(text);
  if (type.baseType === "bool") {
    if (text !== "true" && text !== "false") throw new Error("neither true nor false");
    return text === "true";
  }
  return type.baseType === "bytes32" && /^[A-Z_]+_ROLE$/.test(text) ? roleId(text) : text;
}

/**
 * The operation that calls a function of a deployment's contract. Misuse (`timelock.contract`, `timelock.method`, `timelock.arguments`) for
 * what is no such call.
 */
export function operationOf(
  record: DeploymentRecord,
  contract: string,
  method: string,
  texts: readonly string[],
  salt = ZeroHash,
): Operation {
  const artifact = Object.hasOwn(ADMINISTERED, contract) ? ADMINISTERED[contract] : undefined;
  if (artifact === undefined)
    throw new Misuse(
      "timelock.contract",
      `--contract is ${JSON.stringify(contract)}, expected one of ${Object.keys(ADMINISTERED).join(", ")}`,
    );
  const face = new Interface(artifactOf(artifact).abi);
  const found = face.fragments.some(
    (fragment) =>
      fragment.type === "function" &&
      "name" in fragment &&
      fragment.name === method &&
      "constant" in fragment &&
      !fragment.constant,
  );
  if (!found)
    throw new Misuse(
      "timelock.method",
      `--method is ${JSON.stringify(method)}, expected a function of ${artifact} that changes something`,
    );
  const { inputs } = face.getFunction(method) as NonNullable<ReturnType<Interface["getFunction"]>>;
  let data: string;
  try {
    if (texts.length !== inputs.length) throw new Error("another number of arguments");
    data = face.encodeFunctionData(
      method,
      inputs.map((input, place) => argumentOf(input, texts[place] as string)),
    );
  } catch {
    const expected = inputs.map(({ type, name }) => `${type} ${name}`).join(", ");
    throw new Misuse("timelock.arguments", `arguments are ${JSON.stringify(texts)}, expected (${expected})`);
  }
  const target = doneStep(record, contract).address;
  const timelock = doneStep(record, "timelock").address;
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ["address", "uint256", "bytes", "bytes32", "bytes32"],
    [target, 0, data, ZeroHash, salt],
  );
  return { timelock, target, data, salt, id: keccak256(encoded) };
}

const attached = (timelock: string, runner: Provider | Signer): Contract =>
  new Contract(timelock, artifactOf("TimelockController").abi, runner);

/** Where an operation stands now. */
export async function stateOf(provider: Provider, { timelock, id }: Operation): Promise<OperationState> {
  const contract = attached(timelock, provider);
  const state = STATES[Number(await contract.getOperationState(id))] as OperationState["state"];
  if (state === "unknown" || state === "done") return { state };
  return { state, readyAt: Number(await contract.getTimestamp(id)) };
}

/** Calldata for the timelock, for proposers and executors that are contracts. */
export async function calldataOf(
  provider: Provider,
  { timelock, target, data, salt }: Operation,
): Promise<{ schedule: string; execute: string }> {
  const contract = attached(timelock, provider);
  const delay = await contract.getMinDelay();
  const { interface: face } = contract;
  return {
    schedule: face.encodeFunctionData("schedule", [target, 0, data, ZeroHash, salt, delay]),
    execute: face.encodeFunctionData("execute", [target, 0, data, ZeroHash, salt]),
  };
}

/** Throws `timelock.role` unless an account, or everybody, has a role of the timelock. */
async function requireRole(contract: Contract, role: string, account: string): Promise<void> {
  const nobody = `0x${"0".repeat(40)}`;
  const has =
    (await contract.hasRole(roleId(role), account)) || (await contract.hasRole(roleId(role), nobody));
  ensure(
    has,
    "timelock.role",
    `sender ${account}: has no ${role} of the timelock, expected the key of a holder`,
  );
}

/**
 * Proposes an operation with the shortest delay. The call is tried first as the timelock would make it.
 * Throws `timelock.role`, `timelock.known`, and the contract's own refusal.
 */
export async function schedule(
  provider: Provider,
  proposer: Signer,
  operation: Operation,
): Promise<TransactionReceipt> {
  const { timelock, target, data, salt } = operation;
  const contract = attached(timelock, proposer);
  await requireRole(contract, "PROPOSER_ROLE", await proposer.getAddress());
  const { state } = await stateOf(provider, operation);
  ensure(
    state === "unknown",
    "timelock.known",
    `operation ${operation.id} is ${state}, expected a new one; --salt makes another of the same call`,
  );
  await provider.call({ from: timelock, to: target, data });
  const delay = await contract.getMinDelay();
  return (await contract.schedule(target, 0, data, ZeroHash, salt, delay)).wait();
}

/** Executes an operation whose delay has passed. Throws `timelock.role`, `timelock.notReady`, and the contract's own refusal. */
export async function execute(
  provider: Provider,
  executor: Signer,
  operation: Operation,
): Promise<TransactionReceipt> {
  const { timelock, target, data, salt } = operation;
  const contract = attached(timelock, executor);
  await requireRole(contract, "EXECUTOR_ROLE", await executor.getAddress());
  const { state, readyAt } = await stateOf(provider, operation);
  if (state !== "ready") {
    const when = readyAt === undefined ? "" : ` until ${new Date(readyAt * 1000).toISOString()}`;
    throw new SolvusError(
      "timelock.notReady",
      `operation ${operation.id} is ${state}${when}, expected one that is ready`,
    );
  }
  return (await contract.execute(target, 0, data, ZeroHash, salt)).wait();
}
