/*
 * What a reporter sees of the market, and where it sees it. Prices are in the source's quote currency for one unit of the underlying,
 * volatilities and rates are fractions, times of trades Unix seconds, expiries and times of quotes milliseconds since 1970.
 */

/** A price and when it was last traded. */
export interface SeenPrice {
  price: number;
  /** Unix seconds. */
  tradedAt: number;
}

/** An option as it is quoted. */
export interface SeenOption {
  /** Price of the underlying. */
  strike: number;
  call: boolean;
  /** Implied volatility a year. */
  volatility: number;
  /** When it was quoted, milliseconds since 1970. */
  time: number;
}

/** An expiry as it is quoted. */
export interface SeenExpiry {
  /** Milliseconds since 1970. */
  expiry: number;
  forward?: SeenPrice;
  options: SeenOption[];
}

/** What a source shows of one underlying; what it does not have at present is absent. */
export interface SeenUnderlying {
  index?: SeenPrice;
  /** EWMA(0.99) of hourly returns, a year. */
  realizedVolatility?: number;
  /** `fundingRate`: part of the mark that longs pay in eight hours. */
  perpetual?: { mark: number; fundingRate: number };
  expiries?: SeenExpiry[];
}

/** What a source shows of the market, by the name of the underlying. */
export type Seen = Record<string, SeenUnderlying>;

/** A place where prices are seen. */
export interface PriceSource {
  /** For logs. */
  name: string;
  /**
   * What it shows at a time, Unix seconds of the chain. What it cannot tell is absent; it throws only when it cannot tell anything
   * (`source.*`), and the reporter is then silent for an epoch.
   */
  observe(time: number): Promise<Seen>;
  /** Ends connections and timers. */
  close(): Promise<void>;
}
