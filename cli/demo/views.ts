import { readLedger } from "../../protocol/chain.ts";
import type { TransitionedEvent } from "../../protocol/ledgerHistory.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { positionLines } from "../accountText.ts";
import { dollars } from "../table.ts";
import type { Institution } from "./people.ts";
import { accountOf, type Play } from "./play.ts";

/** A field element as hexadecimal text, its middle left out. */
export const shortHex = (value: bigint): string => {
  const text = value.toString(16).padStart(64, "0");
  return `0x${text.slice(0, 10)}…${text.slice(-6)}`;
};

/** What anyone reads off the chain about the two sides of the last trade. */
export async function publicView(play: Play): Promise<string[]> {
  const { chain, usdc } = play.deployed;
  const { history } = await readLedger(chain);
  const held: bigint = await usdc.balanceOf(chain.ledger);
  const sides = [...history.spendings.values()].flatMap((spending) =>
    spending.as === "owner" && spending.event.tradeTag !== 0n ? [spending.event] : [],
  );
  const [first, second] = sides.slice(-2) as [TransitionedEvent, TransitionedEvent];
  const side = ({ nullifier, commitment, escrow }: TransitionedEvent, name: string): string[] => [
    `side ${name}  spends    ${shortHex(nullifier)}`,
    `        new note  ${shortHex(commitment)}`,
    `        escrow    ${shortHex(escrow[0])}`,
    `                  ${shortHex(escrow[1])}`,
  ];
  return [
    `trade tag         ${shortHex(first.tradeTag)}`,
    ...side(first, "A"),
    ...side(second, "B"),
    "",
    `the ledger holds ${dollars(held)} USDC`,
    `${history.leaves.size} leaves in its queue`,
    "",
    "No instrument, size, direction or price;",
    "no cash, equity or margin of anybody.",
  ];
}

/** What an account's owner reads. */
export async function ownerView(play: Play, owner: Institution): Promise<string[]> {
  const { snapshot } = play.market;
  const { note } = await accountOf(play, owner);
  return [owner.name, ...positionLines(note, standingOf(note, snapshot), snapshot)];
}

/** Two blocks of lines side by side under their titles. */
export function sideBySide(
  titles: readonly [string, string],
  left: readonly string[],
  right: readonly string[],
): string {
  const width = Math.max(titles[0].length, ...left.map(({ length }) => length)) + 2;
  const ruler = Math.max(titles[1].length, ...right.map(({ length }) => length));
  const line = (one: string, other: string): string => `${one.padEnd(width)}| ${other}`.trimEnd();
  const rows = Math.max(left.length, right.length);
  const body = Array.from({ length: rows }, (_, row) => line(left[row] ?? "", right[row] ?? ""));
  return [line(...titles), line("-".repeat(width - 1), "-".repeat(ruler)), ...body].join("\n");
}
