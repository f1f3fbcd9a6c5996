import { readdirSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { type Benchmark, type Measurement, select } from "./benchmark.ts";

const HELP = `Usage: npm run bench -- [--json] [--list] [NAME…]

Measures and prints figures. A name selects the figure or all figures below it: "constraints" selects "constraints.open".

  --json   one list of {name, value, unit} on standard output; the machine on standard error
  --list   names only
  --help   this text`;

/** Files beside this one that are no family of benchmarks. */
const OTHERS = ["bench.ts", "benchmark.ts"];

/** All benchmarks of the family files in this directory, by name. */
async function allBenchmarks(): Promise<Benchmark[]> {
  const files = readdirSync(import.meta.dirname).filter(
    (file) => file.endsWith(".ts") && !OTHERS.includes(file),
  );
  const families = await Promise.all(files.sort().map((file) => import(`./${file}`)));
  return families.flatMap((family) => family.benchmarks ?? []);
}

function machine(): string {
  const gibibytes = (totalmem() / 2 ** 30).toFixed(0);
  const load = loadavg()[0].toFixed(2);
  return `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores, ${gibibytes} GiB, ${process.platform} ${release()}, Node ${process.version}, load ${load}`;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: "boolean" }, list: { type: "boolean" }, help: { type: "boolean" } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const all = await allBenchmarks();
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
