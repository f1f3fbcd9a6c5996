import { spawn } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { transitiveIncludes } from "../../scripts/setup/contentHash.ts";
import { runSetup } from "../../scripts/setup/index.ts";
import { circuitFile, type Places, provingKeyFile, ROOT } from "../../scripts/setup/paths.ts";
import { toyInstance, toyPlaces } from "./toy.ts";

const run = (places: Places, rest = {}) => runSetup({ places, quiet: true, solidity: false, ...rest });
const modified = (file: string): number => statSync(file).mtimeMs;

describe("the incremental set-up", () => {
  it("does nothing when nothing has changed", async () => {
    const places = toyPlaces([toyInstance("toy", 2)]);
    expect((await run(places, { updateManifest: true })).upToDate).toBe(false);
    const key = modified(provingKeyFile(places.build, "toy"));
    expect((await run(places)).upToDate).toBe(true);
    expect(modified(provingKeyFile(places.build, "toy"))).toBe(key);
  });

  it("makes only the circuit whose parameters have changed", async () => {
    const places = toyPlaces([toyInstance("toy", 2), toyInstance("toy.full", 3)]);
    await run(places, { updateManifest: true });
    const before = modified(provingKeyFile(places.build, "toy.full"));
    writeFileSync(places.instances, JSON.stringify([toyInstance("toy", 1), toyInstance("toy.full", 3)]));
    await run(places, { updateManifest: true });
    expect(modified(provingKeyFile(places.build, "toy.full"))).toBe(before);
  });

  it("makes again what is missing or has another size", async () => {
    const places = toyPlaces([toyInstance("toy", 1)]);
    await run(places, { updateManifest: true });
    rmSync(circuitFile(places.build, "toy", "wasm"));
    expect((await run(places)).upToDate).toBe(false);
    appendFileSync(provingKeyFile(places.build, "toy"), "x");
    expect((await run(places)).upToDate).toBe(false);
    rmSync(places.keysContract);
    expect((await run(places)).upToDate).toBe(false);
    expect((await run(places)).upToDate).toBe(true);
  });

  it("makes the same keys every time", async () => {
    const [one, other] = [toyPlaces([toyInstance("toy", 1)]), toyPlaces([toyInstance("toy", 1)])];
    await run(one, { updateManifest: true });
    await run(other, { updateManifest: true });
    expect(readFileSync(other.manifest, "utf8")).toBe(readFileSync(one.manifest, "utf8"));
    const key = (places: Places): Buffer => readFileSync(provingKeyFile(places.build, "toy"));
    expect(key(other).equals(key(one))).toBe(true);
  });

  it("follows includes and names one that is missing", () => {
    const files = transitiveIncludes("test/setup/toy.circom", ROOT);
    expect(files).toContain("test/setup/toy.circom");
    expect(files).toContain("node_modules/circomlib/circuits/poseidon_constants.circom");
    expect(() => transitiveIncludes("circuits/none.circom", ROOT)).toThrow(
      "there is no file circuits/none.circom",
    );
  });

  it("refuses a circuit whose public signals are not those of the list", async () => {
    const wrong = { ...toyInstance("toy", 1), publicSignals: ["shown", "secret"] };
    const places = toyPlaces([wrong]);
    await expect(run(places)).rejects.toThrow("toy: public signals are (secret, shown)");
  });

  it("shows the compiler's message when a circuit does not compile", async () => {
    const places = toyPlaces([{ ...toyInstance("toy", 1), template: "Missing" }]);
    await expect(run(places)).rejects.toThrow("Missing");
    expect(existsSync(join(places.build, "stamps/circuit.toy.json"))).toBe(false);
  });
});

describe("a killed set-up", () => {
  /** Starts a set-up in a process of its own. */
  function start(places: Places) {
    const script = `
      const { runSetup } = await import(${JSON.stringify(join(ROOT, "scripts/setup/index.ts"))});
      await runSetup({ places: ${JSON.stringify(places)}, quiet: true, solidity: false, updateManifest: true });`;
    return spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "ignore" });
  }

  it("is finished by the next one, wherever it was killed", async () => {
    const instances = [toyInstance("toy", 2)];
    const reference = toyPlaces(instances);
    await run(reference, { updateManifest: true });
    const places = toyPlaces(instances);
    for (const milliseconds of [700, 1500]) {
      const child = start(places);
      const ended = new Promise((resolve) => child.once("close", resolve));
      await Promise.race([sleep(milliseconds), ended]);
      child.kill("SIGKILL");
      await ended;
    }
    await run(places, { updateManifest: true });
    expect(readFileSync(places.manifest, "utf8")).toBe(readFileSync(reference.manifest, "utf8"));
    for (const { name } of instances) {
      const [made, expected] = [places, reference].map(({ build }) =>
        readFileSync(provingKeyFile(build, name)),
      );
      expect(made.equals(expected)).toBe(true);
    }
    expect(existsSync(join(places.build, "tmp")) ? readdirSync(join(places.build, "tmp")) : []).toEqual([]);
    expect((await run(places)).upToDate).toBe(true);
  });

  it("does not disturb one that runs at the same time", async () => {
    const places = toyPlaces([toyInstance("toy", 2), toyInstance("toy.full", 3)]);
    const codes = await Promise.all(
      [start(places), start(places)].map((child) => new Promise((resolve) => child.once("close", resolve))),
    );
    expect(codes).toEqual([0, 0]);
    expect((await run(places)).upToDate).toBe(true);
  });
});
