import { readdirSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { type Benchmark, type Measurement, select } from "./benchmark.ts";

const HELP = `Usage: npm run bench -- [--json] [--list] [NAME…]
       npm run bench -- --table gas|calibration|economics

Measures and prints figures. A name selects the figure or all figures below it: "constraints" selects "constraints.open".

  --json   one list of {name, value, unit} on standard output; the machine on standard error
  --list   names only
  --table  a table to read: "gas", by size of a batch, beside single calls and published figures; "calibration", how good the forecast of
           breaches is, beside two baselines; "economics", the smallest shocks that make bad debt, by kind of shock and parameters
  --help   this text`;

/** Files beside this one that are no family of benchmarks. */
const OTHERS = ["bench.ts", "benchmark.ts"];

/** A family file of this directory. */
interface Family {
  benchmarks?: Benchmark[];
  /** Tables that people read, by name: text of a measurement of its own. */
  tables?: Record<string, () => Promise<string>>;
}

async function allFamilies(): Promise<Family[]> {
  const files = readdirSync(import.meta.dirname).filter(
    (file) => file.endsWith(".ts") && !OTHERS.includes(file),
  );
  return Promise.all(files.sort().map((file) => import(`./${file}`)));
}

async function printTable(families: Family[], name: string): Promise<number> {
  const tables = Object.assign({}, ...families.map((family) => family.tables ?? {}));
  if (!Object.hasOwn(tables, name)) {
    console.error(`bench: no such table; there are ${Object.keys(tables).join(", ")}`);
    return 2;
  }
  console.log(await tables[name]());
  return 0;
}

function machine(): string {
  const gibibytes = (totalmem() / 2 ** 30).toFixed(0);
  const load = loadavg()[0].toFixed(2);
  return `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores, ${gibibytes} GiB, ${process.platform} ${release()}, Node ${process.version}, load ${load}`;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean" },
      list: { type: "boolean" },
      table: { type: "string" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const families = await allFamilies();
  if (values.table !== undefined) return printTable(families, values.table);
  const all = families.flatMap((family) => family.benchmarks ?? []);
  const selected = select(all, positionals);
  if (selected === undefined) {
    console.error(`bench: no such figure; there are ${all.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  if (values.list) {
    for (const { name } of selected) console.log(name);
    return 0;
  }
  console.error(`machine: ${machine()}`);
  const measurements: Measurement[] = [];
  let failed = 0;
  for (const { name, unit, run } of selected) {
    try {
      const value = Number((await run()).toPrecision(6));
      measurements.push({ name, value, unit });
      if (!values.json) console.log(`${name.padEnd(40)} ${value.toLocaleString("en")} ${unit}`);
    } catch (error) {
      failed++;
      console.error(`bench: ${name} failed: ${error instanceof Error ? error.message : error}`);
    }
  }
  if (values.json) console.log(JSON.stringify(measurements, null, 2));
  return failed === 0 ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error) => {
    console.error(`bench: ${error.message}`);
    process.exit(2);
  },
);
