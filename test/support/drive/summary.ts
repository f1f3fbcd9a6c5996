import { dollars, table } from "../../../cli/table.ts";
import { standingOf } from "../../../protocol/solvency.ts";
import { isBelow } from "./operations.ts";
import type { World } from "./world.ts";

/** What happened in a drive, as a table for people. */
export function summary(world: World, fundBefore: bigint): string {
  const { tally, people, fund, snapshot } = world;
  const equity = people.reduce((sum, { note }) => sum + standingOf(note, snapshot).equity, 0n);
  const rows: [string, string][] = [
    ["accounts", String(people.length)],
    ["epochs", String(tally.epochs)],
    ["transitions", String(tally.transitions)],
    ["of which trade sides", String(2 * tally.trades)],
    ["flags", String(tally.flags)],
    ["renewals of a flag", String(tally.renewals)],
    ["flags cleared", String(tally.cleared)],
    ["openings revealed", String(tally.reveals)],
    ["take-overs", String(tally.takeOvers)],
    ["of the whole account", String(tally.whole)],
    ["that cured it", String(tally.cured)],
    ["write-offs", String(tally.writeOffs)],
    ["of accounts without a leg", String(tally.writeOffsWithoutLegs)],
    ["deficits, $", dollars(tally.deficits)],
    ["rewards, $", dollars(tally.rewards)],
    ["fund before, $", dollars(fundBefore)],
    ["fund after, $", dollars(fund.balance)],
    ["uncovered at its worst, $", dollars(tally.uncovered)],
    ["uncovered now, $", dollars(fund.uncovered)],
    ["accounts below margin now", String(people.filter((person) => isBelow(world, person)).length)],
    ["equity of all accounts, $", dollars(equity)],
    ["statements before the circuits", String(tally.circuitStatements)],
    ["of which refused", String(tally.circuitRefusals)],
    ...[...tally.refused].sort().map(([name, count]): [string, string] => [`refused ${name}`, String(count)]),
  ];
  return table(["", "count"], rows);
}
