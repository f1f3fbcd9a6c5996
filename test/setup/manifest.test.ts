import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runSetup } from "../../scripts/setup/index.ts";
import { readInstances } from "../../scripts/setup/instances.ts";
import { manifestDifferences, readManifest } from "../../scripts/setup/manifest.ts";
import { PLACES } from "../../scripts/setup/paths.ts";
import { toyInstance, toyPlaces } from "./toy.ts";

describe("the circuit manifest", () => {
  it("is compared with what was made, one line per difference", async () => {
    const places = toyPlaces([toyInstance("toy", 1)]);
    const options = { places, quiet: true, solidity: false };
    await expect(runSetup(options)).rejects.toThrow("there is no manifest");
    await runSetup({ ...options, updateManifest: true });
    const manifest = JSON.parse(readFileSync(places.manifest, "utf8"));
    expect(manifest.circuits[0]).toMatchObject({
      name: "toy",
      domain: 32,
      publicSignals: ["shown[0]", "shown[1]"],
    });
    manifest.circuits[0].constraints += 1;
    manifest.circuits[0].verifyingKeyHash = "0x00";
    writeFileSync(places.manifest, JSON.stringify(manifest));
    const error = await runSetup(options).catch((reason) => reason);
    expect(error.lines).toHaveLength(3);
    expect(error.lines[0]).toMatch(/^manifest: toy: constraints is \d+, the manifest says \d+$/);
    expect(error.lines[1]).toMatch(
      /^manifest: toy: verifyingKeyHash is "0x[0-9a-f]{64}", the manifest says "0x00"$/,
    );
    expect(error.lines[2]).toContain("--update-manifest");
  });

  it("names circuits that were added or removed", () => {
    const manifest = readManifest(PLACES.manifest)!;
    const fewer = { ...manifest, circuits: manifest.circuits.slice(1) };
    expect(manifestDifferences(manifest, manifest)).toEqual([]);
    expect(manifestDifferences(fewer, manifest)).toHaveLength(1);
    expect(manifestDifferences(manifest, fewer)).toHaveLength(1);
  });

  it("lists the instances in their order with their public signals", () => {
    const names = readInstances(PLACES.instances).map((instance) => instance.name);
    expect(readManifest(PLACES.manifest)!.circuits.map((circuit) => circuit.name)).toEqual(names);
  });
});

describe("the instance list", () => {
  const refuse = (entry: unknown, message: string): void => {
    expect(() => readInstances(toyPlaces([entry]).instances)).toThrow(message);
  };

  it("is refused with the field that is wrong", () => {
    refuse({ ...toyInstance("toy", 1), extra: 1 }, "unknown field extra");
    refuse(toyInstance("../toy", 1), "name is ../toy");
    refuse({ ...toyInstance("toy", 1), template: "A(1)" }, "template is A(1)");
    refuse({ ...toyInstance("toy", 1), parameters: ["1"] }, "parameters must be a list of integers");
    refuse({ ...toyInstance("toy", 1), publicSignals: ["a b"] }, "publicSignals must be a list of names");
    expect(() => readInstances(toyPlaces([toyInstance("a", 1), toyInstance("a", 2)]).instances)).toThrow(
      "occurs twice",
    );
  });
});
