import { ensure } from "../../protocol/errors.ts";
import { MICRO } from "../../protocol/fixedPoint.ts";
import { realizedVolatility } from "../../protocol/priceScan.ts";
import type { PriceFile } from "../../protocol/pricesCsv.ts";
import type { PriceSource, Seen } from "./source.ts";

/*
 * One venue of a recording as a source: the close of its last interval with a trade, and the time of that. An hour's close is the last one
 * at or before the full hour.
 */

const HOUR = 3_600;

interface Trade {
  /** Unix seconds. */
  time: number;
  price: number;
}

/** Index of the last trade at or before a time; −1 before the first. */
const tradeBefore = (trades: readonly Trade[], time: number): number =>
  trades.findLastIndex((trade) => trade.time <= time);

function hourlyVolatility(trades: readonly Trade[], time: number): number {
  const first = trades[0];
  if (first === undefined) return 0;
  const closes: number[] = [];
  let place = 0;
  for (let hour = Math.ceil(first.time / HOUR) * HOUR; hour <= time; hour += HOUR) {
    while (place + 1 < trades.length && (trades[place + 1] as Trade).time <= hour) place++;
    closes.push((trades[place] as Trade).price);
  }
  return realizedVolatility(closes);
}

/**
 * A source that replays a venue of a recording at the chain's time, shifted by `shiftSeconds` from the chain's to the recording's. `fixed`
 * prices are those of underlyings that the file does not have, USDT at 1 by default. Refuses (`source.venue`) one that the file does not
 * have.
 */
export function venueSource(
  file: PriceFile,
  venue: string,
  options: { shiftSeconds?: number; fixed?: Readonly<Record<string, number>> } = {},
): PriceSource {
  const { shiftSeconds = 0, fixed = { USDT: 1 } } = options;
  const place = file.sources.findIndex(({ name }) => name === venue);
  ensure(
    place >= 0,
    "source.venue",
    `venue is ${JSON.stringify(venue.slice(0, 60))}, expected one of ${file.sources.map(({ name }) => name).join(", ")}`,
  );
  const trades = file.rows.flatMap(({ time, cells }): Trade[] => {
    const cell = cells[place];
    return cell?.traded ? [{ time: Number(time), price: Number(cell.close) / MICRO }] : [];
  });
  let known = { hour: Number.NaN, volatility: 0 };
  return {
    name: venue,
    async observe(chainTime) {
      const time = chainTime + shiftSeconds;
      const hour = Math.floor(time / HOUR);
      if (known.hour !== hour) known = { hour, volatility: hourlyVolatility(trades, hour * HOUR) };
      const last = trades[tradeBefore(trades, time)];
      const seen: Seen = {
        [file.base]: {
          realizedVolatility: known.volatility,
          ...(last && {
            index: { price: last.price, tradedAt: last.time - shiftSeconds },
            perpetual: { mark: last.price, fundingRate: 0 },
          }),
        },
      };
      for (const [name, price] of Object.entries(fixed))
        seen[name] ??= { index: { price, tradedAt: chainTime } };
      return seen;
    },
    async close() {},
  };
}
