import { spawn } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { transitiveIncludes } from "../../scripts/setup/contentHash.ts";
import { runSetup } from "../../scripts/setup/index.ts";
import { circuitFile, type Places, provingKeyFile, ROOT } from "../../scripts/setup/paths.ts";
import { toyInstance, toyPlaces } from "./toy.ts";

const run = (places: Places, rest = {}) => runSetup({ places, quiet: true, solidity: false, ...rest });
const modified = (file: string): number => statSync(file).mtimeMs;

/** A finished set-up of one circuit, and a copy of all that it made. */
let made: Places;
let copy: string;

beforeAll(async () => {
  made = toyPlaces([toyInstance("toy", 2)]);
  expect((await run(made, { updateManifest: true })).upToDate).toBe(false);
  copy = `${made.build}.copy`;
  cpSync(made.build, copy, { recursive: true, preserveTimestamps: true });
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** The finished set-up as it was, whatever a test has done to it. */
function finished(): Places {
  rmSync(made.build, { recursive: true });
  cpSync(copy, made.build, { recursive: true, preserveTimestamps: true });
  return made;
}

describe("the incremental set-up", () => {
  it("does nothing when nothing has changed", async () => {
    const places = finished();
    const key = modified(provingKeyFile(places.build, "toy"));
    expect((await run(places)).upToDate).toBe(true);
    expect(modified(provingKeyFile(places.build, "toy"))).toBe(key);
  });

  it("makes only the circuit that is new or whose parameters have changed", async () => {
    const places = finished();
    const key = (name: string): number => modified(provingKeyFile(places.build, name));
    const first = key("toy");
    writeFileSync(places.instances, JSON.stringify([toyInstance("toy", 2), toyInstance("toy.full", 3)]));
    await run(places, { updateManifest: true });
    expect(key("toy")).toBe(first);
    const second = key("toy.full");
    writeFileSync(places.instances, JSON.stringify([toyInstance("toy", 1), toyInstance("toy.full", 3)]));
    await run(places, { updateManifest: true });
    expect(key("toy.full")).toBe(second);
    expect(key("toy")).not.toBe(first);
  });

  it("makes again what is missing or has another size", async () => {
    const places = finished();
    rmSync(circuitFile(places.build, "toy", "wasm"));
    expect((await run(places)).upToDate).toBe(false);
    appendFileSync(provingKeyFile(places.build, "toy"), "x");
    expect((await run(places)).upToDate).toBe(false);
    rmSync(places.keysContract);
    expect((await run(places)).upToDate).toBe(false);
    expect((await run(places)).upToDate).toBe(true);
  });

  it("makes nothing again when it has moved", async () => {
    const { build } = finished();
    const moved = `${build}.moved`;
    cpSync(build, moved, { recursive: true, preserveTimestamps: true });
    const places = Object.fromEntries(
      Object.entries(made).map(([name, place]) => [name, place.replace(build, moved)]),
    ) as unknown as Places;
    try {
      expect(places.root).toBe(ROOT);
      expect((await run(places)).upToDate).toBe(true);
      rmSync(provingKeyFile(build, "toy"));
      expect((await run(places)).upToDate).toBe(true);
      rmSync(provingKeyFile(moved, "toy"));
      expect((await run(places)).upToDate).toBe(false);
    } finally {
      rmSync(moved, { recursive: true });
    }
  });

  it("follows includes and names one that is missing", () => {
    expect(transitiveIncludes("test/setup/toy.circom", ROOT)).toEqual([
      "node_modules/circomlib/circuits/switcher.circom",
      "test/setup/toy.circom",
    ]);
    const files = transitiveIncludes("circuits/insertion.circom", ROOT);
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

  it("is finished by the next one, wherever it was killed, with the same keys as one that was not", async () => {
    const reference = finished();
    const places = toyPlaces([toyInstance("toy", 2)]);
    for (const milliseconds of [700, 1500]) {
      const child = start(places);
      const ended = new Promise((resolve) => child.once("close", resolve));
      await Promise.race([sleep(milliseconds), ended]);
      child.kill("SIGKILL");
      await ended;
    }
    await run(places, { updateManifest: true });
    expect(readFileSync(places.manifest, "utf8")).toBe(readFileSync(reference.manifest, "utf8"));
    const [key, expected] = [places, reference].map(({ build }) =>
      readFileSync(provingKeyFile(build, "toy")),
    ) as [Buffer, Buffer];
    expect(key.equals(expected)).toBe(true);
    expect(existsSync(join(places.build, "tmp")) ? readdirSync(join(places.build, "tmp")) : []).toEqual([]);
    expect((await run(places)).upToDate).toBe(true);
  });

  it("does not disturb one that runs at the same time", async () => {
    const places = toyPlaces([toyInstance("toy", 2)]);
    const codes = await Promise.all(
      [start(places), start(places)].map((child) => new Promise((resolve) => child.once("close", resolve))),
    );
    expect(codes).toEqual([0, 0]);
    expect((await run(places)).upToDate).toBe(true);
  });
});
