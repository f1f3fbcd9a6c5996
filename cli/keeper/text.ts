import { formatUsdc, ratioFromQ16 } from "../../protocol/fixedPoint.ts";
import type { TakeOver } from "../../protocol/liquidation.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import type { WatchedAccount } from "../../services/keeper/watch.ts";
import { positionsOf, standingFigures } from "../accountText.ts";
import { dollars, table } from "../table.ts";

/** A Q16 ratio in percent, to two places. */
export function percent(ratio: bigint): string {
  return `${(100 * ratioFromQ16(ratio)).toFixed(2)}%`;
}

/** `m:ss` of a number of seconds. */
function minutes(seconds: bigint): string {
  return `${seconds / 60n}:${String(seconds % 60n).padStart(2, "0")}`;
}

/** Equity over margin as text; "-" without margin. */
export function ratioText(equity: bigint, maintenance: bigint): string {
  return maintenance === 0n ? "-" : (Number(equity) / Number(maintenance)).toFixed(3);
}

/** An account as `keeper accounts --json` shows it. Private: it holds positions. */
export function watchedFigures(
  { account, standing, flag, state, isBelow }: WatchedAccount,
  snapshot: MarketSnapshot,
) {
  const { note, leafIndex, inserted } = account;
  return {
    place: leafIndex,
    inserted,
    state,
    belowMargin: isBelow,
    ...standingFigures(standing, snapshot),
    cashMicroUsdc: note.cash,
    positions: positionsOf(note, snapshot),
    flag:
      flag === undefined
        ? null
        : {
            firstEpoch: Number(flag.firstEpoch),
            clockSeconds: Number(flag.clock),
            lapsesInSeconds: Number(flag.left),
            permittedRate: ratioFromQ16(flag.permittedRate),
          },
  };
}

function stateText({ state, isBelow, flag, account }: WatchedAccount): string {
  const parts: string[] = [state];
  if (flag !== undefined) {
    const { clock, left, permittedRate } = flag;
    parts.push(`clock ${minutes(clock)}, rate up to ${percent(permittedRate)}, lapses in ${minutes(left)}`);
    if (!isBelow) parts.push("meets its margin again");
  } else if (state === "revealed") parts.push("flag lapsed");
  if (!account.inserted) parts.push("waits in the queue");
  return parts.join("; ");
}

/** Accounts as a table, the nearest to a liquidation first. */
export function watchedTable(accounts: readonly WatchedAccount[]): string {
  const ratio = ({ standing: { equity, margin } }: WatchedAccount): number =>
    margin.maintenance === 0n
      ? equity < 0n
        ? Number.NEGATIVE_INFINITY
        : Number.POSITIVE_INFINITY
      : Number(equity) / Number(margin.maintenance);
  const rows = accounts
    .toSorted((one, other) => ratio(one) - ratio(other) || 0)
    .map((watched) => {
      const { equity, margin } = watched.standing;
      return [
        String(watched.account.leafIndex),
        dollars(equity),
        dollars(margin.maintenance),
        ratioText(equity, margin.maintenance),
        stateText(watched),
      ];
    });
  return table(["place", "equity $", "maintenance margin $", "equity / margin", "state"], rows);
}

/** A take-over as programs read it; dollars as decimal text. */
export function takeOverFigures(plan: TakeOver) {
  const { request, payment, deficit, reward, cured, equity, margin, equityAfter, marginAfter } = plan;
  const { keeper, keeperEquity, keeperMargin } = plan;
  return {
    place: plan.target.leafIndex,
    slice: ratioFromQ16(request.slice),
    rate: ratioFromQ16(request.rate),
    paymentUsd: formatUsdc(payment),
    deficitUsd: formatUsdc(deficit),
    rewardUsd: formatUsdc(reward),
    cured,
    target: {
      equityUsd: [formatUsdc(equity), formatUsdc(equityAfter)],
      maintenanceMarginUsd: [formatUsdc(margin.maintenance), formatUsdc(marginAfter.maintenance)],
    },
    keeper: {
      equityUsd: [formatUsdc(keeper.before.cash), formatUsdc(keeperEquity)],
      maintenanceMarginUsd: [formatUsdc(0n), formatUsdc(keeperMargin.maintenance)],
    },
  };
}

/** A take-over as people read it: who pays what, and both accounts before and after. */
export function takeOverText(plan: TakeOver): string {
  const { request, payment, deficit, reward, cured, equity, margin, equityAfter, marginAfter } = plan;
  const { keeper, keeperEquity, keeperMargin } = plan;
  const row = (title: string, amounts: readonly bigint[]): string[] => [title, ...amounts.map(dollars)];
  const maintenance = [margin.maintenance, marginAfter.maintenance, 0n, keeperMargin.maintenance];
  const equities = [equity, equityAfter, keeper.before.cash, keeperEquity];
  return [
    `slice ${percent(request.slice)} of every leg, rate ${percent(request.rate)} of the maintenance margin`,
    `the target pays the keeper ${dollars(payment)} USDC; the insurance fund pays the target ${dollars(deficit)} and the keeper ${dollars(reward)}`,
    "",
    table(
      ["USDC", "target before", "after", "keeper before", "after"],
      [
        row("equity", equities),
        row("maintenance margin", maintenance),
        [
          "equity / margin",
          ...equities.map((value, place) => ratioText(value, maintenance[place] as bigint)),
        ],
      ],
    ),
    "",
    `the target ${cured ? "meets its margin again: its flag ends" : "stays below its margin: its flag goes on"}`,
  ].join("\n");
}
