import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";

/** Root of the repository: circom2's sandbox sees nothing above its working directory, so it runs here. */
export const ROOT = resolve(import.meta.dirname, "../..");
const CACHE = join(ROOT, "build/test-circuits");
const COMPILER = join(ROOT, "node_modules/circom2/cli.js");

/** How far circom simplifies: O2, as the set-up does, removes every linear constraint; O1 keeps those with more than two signals. */
export type Optimization = "O1" | "O2";

/** Where circom finds `path` when `from` includes it: beside the file, then from the root, then among the packages. */
function resolveInclude(path: string, from: string): string {
  const candidates = [dirname(from), ROOT, join(ROOT, "node_modules")].map((folder) => join(folder, path));
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found === undefined) throw new Error(`${from}: include "${path}" not found`);
  return found;
}

/** Text of a circom source and of everything it includes, by absolute path. */
export function sourcesOf(file: string, found = new Map<string, string>()): Map<string, string> {
  if (found.has(file)) return found;
  const text = readFileSync(file, "utf8");
  found.set(file, text);
  for (const [, path] of text.matchAll(/^\s*include\s+"([^"]+)"/gm)) {
    if (path !== undefined) sourcesOf(resolveInclude(path, file), found);
  }
  return found;
}

/**
 * Folder that holds `circuit.{r1cs,sym}` and `circuit_js/circuit.wasm` of a main circuit. It is named by the hash of the wrapper,
 * the flags and every included source, so an unchanged circuit is compiled once; the folder appears by a rename, so several test
 * processes may ask at once.
 */
export async function compile(file: string, main: string, optimization: Optimization): Promise<string> {
  const flags = ["--r1cs", "--wasm", "--sym", `--${optimization}`];
  const sources = [...sourcesOf(resolve(ROOT, file))].map(([path, text]) => [relative(ROOT, path), text]);
  const wrapper = `pragma circom 2.2.0;\ninclude "${file}";\ncomponent main ${main};\n`;
  const hash = createHash("sha256")
    .update(JSON.stringify([wrapper, flags, sources.sort()]))
    .digest("hex");
  const folder = join(CACHE, hash.slice(0, 32));
  if (existsSync(folder)) return folder;

  const working = join(CACHE, `.${process.pid}-${randomBytes(6).toString("hex")}`);
  mkdirSync(working, { recursive: true });
  try {
    writeFileSync(join(working, "circuit.circom"), wrapper);
    const target = relative(ROOT, working);
    const args = [
      COMPILER,
      `${target}/circuit.circom`,
      ...flags,
      "-l",
      ".",
      "-l",
      "node_modules",
      "-o",
      target,
    ];
    await promisify(execFile)(process.execPath, args, { cwd: ROOT, maxBuffer: 1 << 26 }).catch(
      ({ stdout, stderr }: { stdout: string; stderr: string }) => {
        throw new Error(`circom refused ${file} (${main}):\n${stdout}${stderr}`);
      },
    );
    renameSync(working, folder);
  } catch (error) {
    rmSync(working, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}
