import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { Instance } from "../../scripts/setup/instances.ts";
import { type Places, ROOT } from "../../scripts/setup/paths.ts";

const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

/** An instance of the toy circuit: 29 constraints in the first round, 27 in each more, two public signals. */
export function toyInstance(name: string, rounds: number): Instance {
  return {
    name,
    file: "test/setup/toy.circom",
    template: "Toy",
    parameters: [rounds],
    publicSignals: ["shown"],
  };
}

/** A set-up of one's own, in a new directory below `build` that goes when the test file ends. */
export function toyPlaces(instances: unknown): Places {
  const parent = join(ROOT, "build/test-setup");
  mkdirSync(parent, { recursive: true });
  const build = mkdtempSync(join(parent, "run-"));
  made.push(build);
  const places = {
    root: ROOT,
    instances: join(build, "instances.json"),
    manifest: join(build, "manifest.json"),
    build,
    keysContract: join(build, "VerifyingKeys.sol"),
  };
  writeFileSync(places.instances, JSON.stringify(instances));
  return places;
}
