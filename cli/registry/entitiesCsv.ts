import { CsvError, parse } from "csv-parse/sync";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { Misuse } from "../../protocol/errors.ts";
import { EXPIRY_BOUND, REGISTRY_PLACES, type RegistryEntry } from "../../protocol/registryTree.ts";

/*
 * The compliance officer's table of institutions in CSV: a column `entity` and one whose name begins with `expiry`; others, such as
 * the institutions' names, are left aside. An expiry is the last epoch of the membership, or a UTC date (its last day) or time.
 */

/** One epoch and when it began, from which dates are counted in epochs. */
export interface EpochClock {
  epoch: bigint;
  /** Milliseconds since 1970. */
  time: number;
  secondsPerEpoch: number;
}

interface CsvLine {
  record: Record<string, string>;
  info: { lines: number };
}

const DAY_MS = 86_400_000;
const EXPIRY = /^expiry/i;

function parseLines(text: string): { header: string[]; lines: CsvLine[] } {
  let header: string[] = [];
  try {
    const lines = parse(text, {
      bom: true,
      columns: (names: string[]) => {
        header = names.map((name) => name.trim());
        return header;
      },
      info: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as CsvLine[];
    return { header, lines };
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new Misuse("registryCsv.csv", `entities file: ${error.message.split("\n")[0]}`);
  }
}

/** The name of the one column that a pattern fits. */
function columnOf(header: readonly string[], pattern: RegExp, expected: string): string {
  const found = header.filter((name) => pattern.test(name));
  if (found.length !== 1)
    throw new Misuse(
      "registryCsv.columns",
      `entities file: columns are ${JSON.stringify(header).slice(0, 200)}, expected one ${expected}`,
    );
  return found[0] as string;
}

function refuse(line: number, column: string, value: string, expected: string): never {
  throw new Misuse(
    "registryCsv.row",
    `entities file, line ${line}: ${column} is ${JSON.stringify(value.slice(0, 100))}, expected ${expected}`,
  );
}

/** The last moment of a UTC date or the moment of a UTC time, milliseconds since 1970; undefined for anything else. */
export function momentOf(text: string): number | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})(T\d{2}:\d{2}(:\d{2})?Z)?$/.exec(text);
  if (match === null) return undefined;
  const time = Date.parse(text);
  // Date.parse takes the 30th of February for the 2nd of March.
  if (Number.isNaN(time) || !new Date(time).toISOString().startsWith(match[1] as string)) return undefined;
  return match[2] === undefined ? time + DAY_MS - 1 : time;
}

/** The epoch that goes on at a moment. */
export function epochAt({ epoch, time, secondsPerEpoch }: EpochClock, moment: number): bigint {
  return epoch + BigInt(Math.floor((moment - time) / (secondsPerEpoch * 1000)));
}

function expiryOf(line: number, column: string, text: string, clock: EpochClock | undefined): bigint {
  const range = "0 to 2^32 - 1";
  if (/^\d{1,20}$/.test(text)) {
    const epoch = BigInt(text);
    return epoch < EXPIRY_BOUND ? epoch : refuse(line, column, text, `an epoch from ${range}`);
  }
  const moment = momentOf(text);
  if (moment === undefined)
    return refuse(
      line,
      column,
      text,
      "an epoch, a date such as 2027-06-30 or a time such as 2027-06-30T12:00Z",
    );
  if (clock === undefined)
    return refuse(line, column, text, "an epoch, or --epoch and --epoch-time to count dates in epochs");
  const epoch = epochAt(clock, moment);
  if (epoch < 0n || epoch >= EXPIRY_BOUND)
    return refuse(line, column, text, `a date whose epoch is from ${range} (got ${epoch})`);
  return epoch;
}

/**
 * Reads the entities of a registry, in ascending order, so that one set of memberships has one root in whatever order it was written.
 * Misuse, naming line, column and value: `registryCsv.columns`, `registryCsv.row`, `registryCsv.duplicate`, `registryCsv.places`,
 * `registryCsv.csv`, `registryCsv.empty`.
 */
export function parseEntitiesCsv(text: string, clock?: EpochClock): RegistryEntry[] {
  const { header, lines } = parseLines(text);
  const entityColumn = columnOf(header, /^entity$/, "column entity");
  const expiryColumn = columnOf(header, EXPIRY, "column whose name begins with expiry");
  if (lines.length === 0)
    throw new Misuse("registryCsv.empty", "entities file has no rows, expected at least one entity");
  if (lines.length > REGISTRY_PLACES)
    throw new Misuse(
      "registryCsv.places",
      `entities file has ${lines.length} rows, expected at most ${REGISTRY_PLACES}`,
    );
  const lineOf = new Map<bigint, number>();
  const entries = lines.map(({ record, info }) => {
    const said = record[entityColumn] as string;
    const entity = /^\d{1,78}$/.test(said) ? BigInt(said) : 0n;
    if (entity === 0n || entity >= FIELD_ORDER)
      refuse(info.lines, entityColumn, said, "the decimal number that `solvus account entity` prints");
    const before = lineOf.get(entity);
    if (before !== undefined)
      throw new Misuse(
        "registryCsv.duplicate",
        `entities file, line ${info.lines}: ${entityColumn} is "${said}", expected one not listed before (line ${before})`,
      );
    lineOf.set(entity, info.lines);
    const expiryEpoch = expiryOf(info.lines, expiryColumn, record[expiryColumn] as string, clock);
    return { entity, expiryEpoch };
  });
  return entries.sort((one, other) => (one.entity < other.entity ? -1 : 1));
}
