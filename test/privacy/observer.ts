import type { Interface, ParamType, Result, TransactionReceipt } from "ethers";
import { getBytes } from "ethers";
import type { LedgerFixture } from "../support/ledgerFixture.ts";

/*
 * What an observer of a chain sees of a history: each transaction's sender, target, function, every argument, size, gas, and every event.
 * Field elements and other long words look random: they are told by where they appeared first, so that two histories agree exactly when
 * the same values come back at the same places. How random the words themselves look is tested apart.
 */

/** What a chain keeps of a transaction, as far as it is looked at. */
export type Receipt = Pick<
  TransactionReceipt,
  "hash" | "from" | "to" | "gasUsed" | "status" | "blockNumber" | "logs"
>;

/** Public data of a history by name: `2.args.transition.signals.fee`. */
export type Seen = Map<string, string>;

/** Numbers from here on look random: roots, nullifiers, commitments, escrow words, tags, proofs. */
const LONG = 1n << 200n;

/** Names of Unix seconds: when something happened is public in any case, and not the same in two runs. */
const TIMES = /\.(time|clockStart|tradedAt)(\[\d+\])*$/;

/** Price of a zero and of another byte of calldata, gas. */
const ZERO_BYTE = 4n;
const OTHER_BYTE = 16n;

/** Flattens decoded values under their names. Lists have their length among the names, so another shape is another set of names. */
function flatten(
  into: Seen,
  labels: Map<string, string>,
  prefix: string,
  types: readonly ParamType[],
  values: Result,
): void {
  const label = (value: unknown, name: string): string => {
    const key = String(value);
    if (!labels.has(key)) labels.set(key, name);
    return `the word first seen as ${labels.get(key)}`;
  };
  types.forEach((type, index) => {
    const name = type.name ? `${prefix}.${type.name}` : prefix;
    const value = values[index];
    if (type.baseType === "array") {
      into.set(`${name}.length`, String(value.length));
      const element = type.arrayChildren as ParamType;
      for (const [place, item] of [...value].entries())
        flatten(into, labels, `${name}[${place}]`, [element], [item] as unknown as Result);
    } else if (type.baseType === "tuple") {
      flatten(into, labels, name, type.components as ParamType[], value);
    } else if (type.baseType === "bytes") {
      // Of an error its name is told, and of a signature the length.
      const selector = type.name === "reason" ? ` from ${value.slice(0, 10)}` : "";
      into.set(name, `${(value.length - 2) / 2} bytes${selector}`);
    } else if (typeof value === "bigint") {
      into.set(name, value >= LONG ? label(value, name) : TIMES.test(name) ? "a time" : String(value));
    } else {
      into.set(name, String(value));
    }
  });
}

/** Gas of a transaction without what its calldata costs by how many of its bytes are 0, which random words decide. */
export function gasClass(gasUsed: bigint, calldata: string): bigint {
  const bytes = getBytes(calldata);
  const zeros = BigInt(bytes.filter((byte) => byte === 0).length);
  return gasUsed - ZERO_BYTE * zeros - OTHER_BYTE * (BigInt(bytes.length) - zeros);
}

/** Everything public about these transactions, in order. */
export async function observe(
  { ethers, ledger, auction, oracle, fund, usdc, addresses }: LedgerFixture,
  receipts: readonly Receipt[],
): Promise<Seen> {
  const interfaces = new Map<string, Interface>(
    (
      [
        [addresses.ledger, ledger],
        [await auction.getAddress(), auction],
        [addresses.oracle, oracle],
        [await fund.getAddress(), fund],
        [addresses.usdc, usdc],
      ] as const
    ).map(([address, contract]) => [address, contract.interface as unknown as Interface]),
  );
  const seen: Seen = new Map([["transactions", String(receipts.length)]]);
  const labels = new Map<string, string>();
  const times: number[] = [];
  for (const { blockNumber } of receipts)
    times.push((await ethers.provider.getBlock(blockNumber))!.timestamp);
  for (const [index, receipt] of receipts.entries()) {
    const transaction = (await ethers.provider.getTransaction(receipt.hash))!;
    const target = receipt.to ?? "";
    const call = interfaces.get(target)?.parseTransaction({ data: transaction.data });
    if (!call) throw new Error(`transaction ${index}: of no known function`);
    const set = (name: string, value: unknown): void => void seen.set(`${index}.${name}`, String(value));
    set("minute", Math.floor(((times[index] as number) - (times[0] as number)) / 60));
    set("from", receipt.from);
    set("to", target);
    set("function", call.name);
    set("value", transaction.value);
    set("bytes", getBytes(transaction.data).length);
    set("gas", gasClass(receipt.gasUsed, transaction.data));
    set("status", receipt.status);
    flatten(seen, labels, `${index}.args`, call.fragment.inputs, call.args);
    set("events", receipt.logs.length);
    for (const [place, log] of receipt.logs.entries()) {
      const event = interfaces.get(log.address)?.parseLog(log);
      if (!event) throw new Error(`transaction ${index}: an event of no known kind`);
      seen.set(`${index}.event[${place}]`, event.name);
      flatten(seen, labels, `${index}.event[${place}].${event.name}`, event.fragment.inputs, event.args);
    }
  }
  seen.set("holdings", String(await usdc.getFunction("balanceOf")(addresses.ledger)));
  return seen;
}

/** The last parts of the names under which two histories differ, each once: what tells them apart. */
export function differences(one: Seen, other: Seen): string[] {
  const names = new Set([...one.keys(), ...other.keys()]);
  const different = [...names].filter((name) => one.get(name) !== other.get(name));
  return [
    ...new Set(
      different.map(
        (name) =>
          name
            .replace(/\[\d+\]/g, "")
            .split(".")
            .at(-1) as string,
      ),
    ),
  ].sort();
}
