import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as snarkjs from "snarkjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CurveHold, holdCurve } from "../../protocol/curve.ts";
import { verifyingKeyHash } from "../../protocol/verifyingKey.ts";
import { contribute } from "../../scripts/ceremony/contribute.ts";
import { finishCeremony } from "../../scripts/ceremony/finish.ts";
import { KNOWN_POWERS_OF_TAU, type PowersOfTau } from "../../scripts/ceremony/knownPowersOfTau.ts";
import type { CeremonyOptions } from "../../scripts/ceremony/options.ts";
import { startCeremony } from "../../scripts/ceremony/start.ts";
import { verifyCeremony, verifyRound } from "../../scripts/ceremony/verify.ts";
import { runSetup } from "../../scripts/setup/index.ts";
import { circuitFile, type Places } from "../../scripts/setup/paths.ts";
import { toyInstance, toyPlaces } from "./toy.ts";

/** The least power whose domain the toy circuit of one round fills: 2^5. */
const POWER = 5;
const BEACON = { value: "0123456789abcdef".repeat(4), iterationsExponent: 10 };

let folder: string;
let ptau: string;
let places: Places;
let options: CeremonyOptions;
let hold: CurveHold;
const at = (name: string): string => join(folder, name);

/** Prepared powers of tau with one contribution. */
async function makePowersOfTau(): Promise<string> {
  const { powersOfTau } = snarkjs;
  await powersOfTau.newAccumulator(hold.curve, POWER, at("new.ptau"));
  await powersOfTau.contribute(at("new.ptau"), at("contributed.ptau"), "test", "entropy");
  await powersOfTau.beacon(at("contributed.ptau"), at("beacon.ptau"), "test", BEACON.value, 10);
  await powersOfTau.preparePhase2(at("beacon.ptau"), at("final.ptau"));
  return at("final.ptau");
}

beforeAll(async () => {
  // Held throughout: starting its threads for each step takes longer than the steps.
  hold = await holdCurve();
  folder = mkdtempSync(join(tmpdir(), "solvus-ceremony-"));
  places = toyPlaces([toyInstance("toy", 1)]);
  await runSetup({ places, quiet: true, solidity: false, updateManifest: true });
  ptau = await makePowersOfTau();
  const blake2b512 = createHash("blake2b512").update(readFileSync(ptau)).digest("hex");
  const known: PowersOfTau[] = [{ name: "test.ptau", power: POWER, blake2b512 }];
  options = { places, known, quiet: true };
});
afterAll(async () => {
  await hold.release();
  rmSync(folder, { recursive: true, force: true });
});

describe("the published powers of tau", () => {
  it("are listed once each, with a hash of 64 bytes, and suffice for every circuit", () => {
    expect(KNOWN_POWERS_OF_TAU.map(({ power }) => power)).toEqual(
      Array.from({ length: 21 }, (_, i) => i + 8),
    );
    expect(new Set(KNOWN_POWERS_OF_TAU.map(({ blake2b512 }) => blake2b512)).size).toBe(21);
    for (const { blake2b512 } of KNOWN_POWERS_OF_TAU) expect(blake2b512).toMatch(/^[0-9a-f]{128}$/);
  });
});

describe("a ceremony", () => {
  it("is not started from powers of tau that are unknown, missing or too few", async () => {
    const refused = (file: string, known = options.known) =>
      startCeremony(file, at("refused"), { ...options, known }).catch((error) => error);
    expect(await refused(ptau, KNOWN_POWERS_OF_TAU)).toMatchObject({
      rule: "ceremony.ptauUnknown",
      message: expect.stringContaining(
        `--ptau is ${ptau} with BLAKE2b-512 ${options.known?.[0]?.blake2b512}`,
      ),
    });
    expect(await refused(at("none"))).toMatchObject({ rule: "ceremony.ptauRead" });
    const smaller = options.known?.map((file) => ({ ...file, power: POWER - 1 }));
    expect(await refused(ptau, smaller)).toMatchObject({
      rule: "ceremony.ptauTooSmall",
      message: "--ptau is test.ptau of power 4, expected at least 5 for the circuit toy",
    });
    expect(readdirSync(folder).filter((name) => name.startsWith("refused"))).toEqual([]);
  });

  describe("from start to finish", () => {
    let hashes: string[];
    beforeAll(async () => {
      await startCeremony(ptau, at("round"), options);
      await expect(finishCeremony(at("round"), ptau, BEACON, options)).rejects.toMatchObject({
        rule: "ceremony.contributions",
        message: "contributions to toy: 0, expected at least 1",
      });
      expect(existsSync(join(at("round"), "manifest.json"))).toBe(false);
      const first = await contribute(at("round"), "Alder");
      expect((await verifyRound(at("round"), ptau, options)).map(({ name }) => name)).toEqual(["Alder"]);
      const second = await contribute(at("round"), "Birch");
      hashes = [...first, ...second].map(({ hash }) => hash);
      await finishCeremony(at("round"), ptau, BEACON, options);
    });
    const key = (): string => join(at("round"), "keys/toy.zkey");

    it("gives keys that prove and verify", async () => {
      const vkey = JSON.parse(readFileSync(join(at("round"), "keys/toy.vkey.json"), "utf8"));
      const { proof, publicSignals } = await snarkjs.groth16.fullProve(
        { secret: "3", shown: ["5", "6"] },
        circuitFile(places.build, "toy", "wasm"),
        key(),
      );
      expect(await snarkjs.groth16.verify(vkey, publicSignals, proof)).toBe(true);
      expect(await snarkjs.groth16.verify(vkey, ["5", "7"], proof)).toBe(false);
    });

    it("writes a manifest of the circuits' form with contributions and beacon, and anybody verifies it", async () => {
      const manifest = await verifyCeremony(at("round"), ptau, options);
      expect(JSON.parse(readFileSync(join(at("round"), "manifest.json"), "utf8"))).toEqual(manifest);
      const { circuits } = JSON.parse(readFileSync(places.manifest, "utf8"));
      const vkey = JSON.parse(readFileSync(join(at("round"), "keys/toy.vkey.json"), "utf8"));
      expect(manifest).toMatchObject({
        version: 1,
        keys: "ceremony",
        ceremony: { powersOfTau: "test.ptau", beacon: BEACON.value, iterationsExponent: 10 },
      });
      expect(manifest.circuits).toEqual([
        {
          ...circuits[0],
          verifyingKeyHash: verifyingKeyHash(vkey),
          contributions: [
            { name: "Alder", hash: hashes[0] },
            { name: "Birch", hash: hashes[1] },
          ],
        },
      ]);
      expect(vkey.vk_delta_2).not.toEqual(vkey.vk_gamma_2);
      expect(readdirSync(at("round")).sort()).toEqual(
        ["ceremony.json", "keys", "manifest.json", "round-0002", "setup.pid"].sort(),
      );
    });

    it("takes no more contributions and is not finished twice", async () => {
      await expect(contribute(at("round"), "Cedar")).rejects.toMatchObject({ rule: "ceremony.finished" });
      const again = finishCeremony(at("round"), ptau, BEACON, options);
      await expect(again).rejects.toMatchObject({ rule: "ceremony.finished" });
    });

    it("fails verification when a key, the manifest or a verifying key was altered", async () => {
      const altered = (name: string, file: string, change: (bytes: Buffer) => Buffer | string) => {
        cpSync(at("round"), at(name), { recursive: true });
        writeFileSync(join(at(name), file), change(readFileSync(join(at(name), file))));
        return verifyCeremony(at(name), ptau, options).catch((error) => error);
      };
      const flipAt = (position: (bytes: Buffer) => number) => (bytes: Buffer) => {
        bytes[position(bytes)] ^= 1;
        return bytes;
      };
      // The last bytes are the transcript's, before them the points of section 9.
      const points = await altered(
        "points",
        "keys/toy.zkey",
        flipAt((bytes) => bytes.length - 3000),
      );
      expect(points).toMatchObject({
        rule: "ceremony.key",
        message: expect.stringMatching(/^key of toy in /),
      });
      const beacon = await altered(
        "beacon",
        "keys/toy.zkey",
        flipAt((bytes) => bytes.length - 1),
      );
      expect(beacon).toMatchObject({ rule: "ceremony.key", message: expect.stringContaining("beacon") });
      const cut = await altered("cut", "keys/toy.zkey", (bytes) => bytes.subarray(0, bytes.length - 100));
      expect(cut).toMatchObject({ rule: "ceremony.key" });
      const manifest = await altered("manifest", "manifest.json", (bytes) =>
        bytes.toString("utf8").replace("Alder", "Aldes"),
      );
      expect(manifest).toMatchObject({ rule: "ceremony.manifest" });
      const vkey = await altered("vkey", "keys/toy.vkey.json", () => "{}");
      expect(vkey).toMatchObject({ rule: "ceremony.key" });
      for (const { message } of [points, beacon, cut, manifest, vkey]) expect(message).not.toContain("\n");
    });
  });

  it("refuses beacons, names and directories of another form by field", async () => {
    const finish = (beacon: typeof BEACON) => finishCeremony(at("none"), ptau, beacon, options);
    await expect(finish({ ...BEACON, value: "0xab" })).rejects.toMatchObject({ rule: "ceremony.beacon" });
    await expect(finish({ ...BEACON, iterationsExponent: 9 })).rejects.toMatchObject({
      rule: "ceremony.iterations",
      message: "--iterations-exponent is 9, expected an integer from 10 to 63",
    });
    await expect(finish(BEACON)).rejects.toMatchObject({ rule: "ceremony.directory" });
    await expect(contribute(at("none"), "Alder")).rejects.toMatchObject({ rule: "ceremony.directory" });
    await expect(contribute(at("none"), "")).rejects.toMatchObject({ rule: "ceremony.name" });
  });
});
