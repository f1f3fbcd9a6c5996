import { ROW_TREE_ARITIES } from "./constants.ts";
import { ensure, SolvusError } from "./errors.ts";
import {
  checkInputs,
  type ExpiryInputs,
  type MarketInputs,
  type SettledInstrument,
  type UnderlyingInputs,
} from "./marketInputs.ts";

/*
 * Market inputs as bytes for calldata. Integers are LEB128 (signed ones with the sign in the
 * lowest bit); a list of like integers is a *column*: smallest value,
 * greatest common divisor of the distances to it, and then each distance divided by it. A column of equal values takes no bytes per
 * entry, strikes on a grid take one or two. One object has one encoding: decoding refuses any other.
 */

const VERSION = 1;
/** No list is longer than the rows of one subtree. */
const MAX_COUNT = ROW_TREE_ARITIES.reduce((product: number, arity) => product * arity, 1) - 1;

class Writer {
  readonly bytes: number[] = [];

  unsigned(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.bytes.push((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    this.bytes.push(rest);
  }

  signed(value: number): void {
    // The first byte holds the sign and six bits: doubling the whole number could leave the safe integers.
    const magnitude = Math.abs(value);
    const high = Math.floor(magnitude / 64);
    this.bytes.push((value < 0 ? 1 : 0) + 2 * (magnitude % 64) + (high > 0 ? 128 : 0));
    if (high > 0) this.unsigned(high);
  }

  text(value: string): void {
    this.unsigned(value.length);
    for (const character of value) this.bytes.push(character.charCodeAt(0));
  }

  column(values: readonly number[]): void {
    if (values.length === 0) return;
    const least = values.reduce((lower, value) => Math.min(lower, value));
    const divisor = values.reduce((divided, value) => greatestCommonDivisor(divided, value - least), 0);
    this.signed(least);
    this.unsigned(divisor);
    if (divisor > 0) for (const value of values) this.unsigned((value - least) / divisor);
  }

  optional<T>(value: T | undefined, write: (value: T) => void): void {
    this.unsigned(value === undefined ? 0 : 1);
    if (value !== undefined) write(value);
  }
}

function greatestCommonDivisor(first: number, second: number): number {
  return second === 0 ? first : greatestCommonDivisor(second, first % second);
}

class Reader {
  readonly bytes: Uint8Array;
  offset = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    const value = this.bytes[this.offset];
    ensure(
      value !== undefined,
      "inputs.encoding",
      `market inputs end at byte ${this.bytes.length}, expected more bytes`,
    );
    this.offset += 1;
    return value;
  }

  unsigned(): number {
    let value = 0;
    let weight = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte % 128) * weight;
      ensure(
        Number.isSafeInteger(value),
        "inputs.encoding",
        `integer before byte ${this.offset} is ${value}, expected one below 2^53`,
      );
      if (byte < 128) return value;
      weight *= 128;
    }
  }

  signed(): number {
    const first = this.byte();
    const low = (first >> 1) % 64;
    const high = first >= 128 ? this.unsigned() : 0;
    const magnitude = high * 64 + low;
    return first % 2 === 1 ? -magnitude : magnitude;
  }

  text(): string {
    const length = this.count();
    return String.fromCharCode(...Array.from({ length }, () => this.byte()));
  }

  /** A number of entries; columns may take no bytes per entry, so it is bounded on its own. */
  count(): number {
    const value = this.unsigned();
    ensure(
      value <= MAX_COUNT,
      "inputs.encoding",
      `count before byte ${this.offset} is ${value}, expected at most ${MAX_COUNT}`,
    );
    return value;
  }

  column(length: number): number[] {
    if (length === 0) return [];
    const least = this.signed();
    const divisor = this.unsigned();
    if (divisor === 0) return new Array<number>(length).fill(least);
    return Array.from({ length }, () => least + divisor * this.unsigned());
  }

  optional<T>(read: () => T): T | undefined {
    return this.unsigned() === 0 ? undefined : read();
  }
}

function writeSettled(writer: Writer, settled: readonly SettledInstrument[]): void {
  writer.unsigned(settled.length);
  writer.column(settled.map((instrument) => instrument.id));
  writer.column(settled.map((instrument) => instrument.kind));
  writer.column(settled.map((instrument) => instrument.fundingIndex));
}

function readSettled(reader: Reader): SettledInstrument[] {
  const length = reader.count();
  const ids = reader.column(length);
  const kinds = reader.column(length);
  const indexes = reader.column(length);
  return ids.map((id, entry) => ({
    id,
    kind: kinds[entry] as SettledInstrument["kind"],
    fundingIndex: indexes[entry] as number,
  }));
}

function writeExpiry(writer: Writer, group: ExpiryInputs, snapshotTime: number): void {
  writer.unsigned(group.expiry);
  writer.signed(group.lotExponent);
  writer.optional(group.settlement, (settlement) => {
    writer.unsigned(settlement.observed);
    writer.unsigned(settlement.mean);
  });
  const { options } = group;
  writer.unsigned(options.length);
  writer.column(options.map((option) => option.id));
  writer.column(options.map((option) => option.strike));
  writer.column(options.map((option) => (option.call ? 1 : 0)));
  writer.column(options.map((option) => option.volatility));
  writer.column(options.map((option) => option.forward));
  writer.column(options.map((option) => snapshotTime - option.time));
  writer.column(options.map((option) => option.name?.length ?? 0));
  for (const option of options) {
    for (const character of option.name ?? "") writer.bytes.push(character.charCodeAt(0));
  }
}

function readExpiry(reader: Reader, snapshotTime: number): ExpiryInputs {
  const expiry = reader.unsigned();
  const lotExponent = reader.signed();
  const settlement = reader.optional(() => ({ observed: reader.unsigned(), mean: reader.unsigned() }));
  const length = reader.count();
  const [ids, strikes, calls, volatilities, forwards, ages, nameLengths] = Array.from({ length: 7 }, () =>
    reader.column(length),
  ) as [number[], number[], number[], number[], number[], number[], number[]];
  const options = ids.map((id, entry) => {
    const nameLength = Math.min(nameLengths[entry] as number, 0xff);
    const name = String.fromCharCode(...Array.from({ length: Math.max(0, nameLength) }, () => reader.byte()));
    return {
      id,
      strike: strikes[entry] as number,
      call: calls[entry] === 1,
      volatility: volatilities[entry] as number,
      forward: forwards[entry] as number,
      time: snapshotTime - (ages[entry] as number),
      ...(name === "" ? {} : { name }),
    };
  });
  return { expiry, lotExponent, ...(settlement === undefined ? {} : { settlement }), options };
}

function writeUnderlying(writer: Writer, underlying: UnderlyingInputs, snapshotTime: number): void {
  const { scan } = underlying;
  writer.text(underlying.name);
  writer.unsigned(underlying.index);
  if (scan.model === "volatile") {
    for (const value of [0, scan.floor, scan.cap, scan.realizedVolatility, scan.previousRange])
      writer.unsigned(value);
  } else {
    for (const value of [1, scan.down, scan.up]) writer.unsigned(value);
  }
  writer.unsigned(underlying.concentrationUnits);
  writer.optional(underlying.spot, (spot) => {
    writer.unsigned(spot.id);
    writer.signed(spot.lotExponent);
  });
  writer.optional(underlying.perpetual, (perpetual) => {
    writer.unsigned(perpetual.id);
    writer.signed(perpetual.lotExponent);
    writer.unsigned(perpetual.mark);
    writer.signed(perpetual.fundingIndex);
  });
  writer.unsigned(underlying.expiries.length);
  for (const group of underlying.expiries) writeExpiry(writer, group, snapshotTime);
  writeSettled(writer, underlying.settled);
}

function readUnderlying(reader: Reader, snapshotTime: number): UnderlyingInputs {
  const name = reader.text();
  const index = reader.unsigned();
  const stable = reader.unsigned() !== 0;
  const scan: UnderlyingInputs["scan"] = stable
    ? { model: "stable", down: reader.unsigned(), up: reader.unsigned() }
    : {
        model: "volatile",
        floor: reader.unsigned(),
        cap: reader.unsigned(),
        realizedVolatility: reader.unsigned(),
        previousRange: reader.unsigned(),
      };
  const concentrationUnits = reader.unsigned();
  const spot = reader.optional(() => ({ id: reader.unsigned(), lotExponent: reader.signed() }));
  const perpetual = reader.optional(() => ({
    id: reader.unsigned(),
    lotExponent: reader.signed(),
    mark: reader.unsigned(),
    fundingIndex: reader.signed(),
  }));
  const expiries = Array.from({ length: reader.count() }, () => readExpiry(reader, snapshotTime));
  const settled = readSettled(reader);
  return {
    name,
    index,
    scan,
    concentrationUnits,
    ...(spot === undefined ? {} : { spot }),
    ...(perpetual === undefined ? {} : { perpetual }),
    expiries,
    settled,
  };
}

function encode(inputs: MarketInputs): Uint8Array {
  const writer = new Writer();
  const header = [
    VERSION,
    inputs.epoch,
    inputs.time,
    inputs.previousTime,
    inputs.baseImFactor,
    inputs.priceBand,
    inputs.debtLimit,
    inputs.underlyings.length,
  ];
  for (const value of header) writer.unsigned(value);
  for (const underlying of inputs.underlyings) writeUnderlying(writer, underlying, inputs.time);
  writer.unsigned(inputs.archives.length);
  for (const archive of inputs.archives) writeSettled(writer, archive);
  return Uint8Array.from(writer.bytes);
}

/** The bytes of market inputs. Refuses inputs out of bounds as `checkInputs` does. */
export function encodeInputs(inputs: MarketInputs): Uint8Array {
  return encode(checkInputs(inputs));
}

function decode(reader: Reader): MarketInputs {
  const version = reader.unsigned();
  ensure(version === VERSION, "inputs.encoding", `encoding version is ${version}, expected ${VERSION}`);
  const epoch = reader.unsigned();
  const time = reader.unsigned();
  const previousTime = reader.unsigned();
  const baseImFactor = reader.unsigned();
  const priceBand = reader.unsigned();
  const debtLimit = reader.unsigned();
  const underlyings = Array.from({ length: reader.count() }, () => readUnderlying(reader, time));
  const archives = Array.from({ length: reader.count() }, () => readSettled(reader));
  return { epoch, time, previousTime, baseImFactor, priceBand, debtLimit, underlyings, archives };
}

/**
 * Market inputs from their bytes. Refuses (`inputs.encoding`) bytes that are cut short, too long, of another version or not what
 * {@link encodeInputs} writes for the same inputs, and (`inputs.<path>`) inputs out of bounds.
 */
export function decodeInputs(bytes: Uint8Array): MarketInputs {
  const reader = new Reader(bytes);
  const inputs = checkInputs(decode(reader));
  ensure(
    reader.offset === bytes.length,
    "inputs.encoding",
    `market inputs end at byte ${reader.offset}, expected ${bytes.length}`,
  );
  const again = encode(inputs);
  const difference = bytes.findIndex((byte, offset) => byte !== again[offset]);
  if (difference >= 0 || again.length !== bytes.length) {
    throw new SolvusError(
      "inputs.encoding",
      `market inputs differ from their canonical encoding at byte ${difference}, expected equality`,
    );
  }
  return inputs;
}
