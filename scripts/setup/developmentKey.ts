import { writeFileSync } from "node:fs";
import type { Curve } from "ffjavascript";
import { type FixedBase, fixedBase } from "./fixedBase.ts";
import { keyScalars } from "./qap.ts";
import { domainSize, readR1cs } from "./r1cs.ts";
import { developmentMarker, type ToxicWaste } from "./toxicWaste.ts";
import { type ExportedKey, verifyingKey } from "./verifyingKey.ts";
import { writeZkey } from "./zkey.ts";

/** A single-threaded curve with the generators' tables: half a second and a second to prepare, then good for any number of keys. */
export interface KeyMaker {
  curve: Curve;
  g1: FixedBase;
  g2: FixedBase;
}

export function keyMaker(curve: Curve): KeyMaker {
  return { curve, g1: fixedBase(curve, "G1", 14), g2: fixedBase(curve, "G2", 12) };
}

/**
 * Makes a Groth16 key pair of an R1CS directly from its secrets and writes both files.
 * @returns the verifying key
 */
export async function makeDevelopmentKey(
  maker: KeyMaker,
  r1csFile: string,
  waste: ToxicWaste,
  provingFile: string,
  verifyingFile: string,
): Promise<ExportedKey> {
  const r1cs = readR1cs(r1csFile);
  const scalars = keyScalars(r1cs, waste);
  const { g1, g2 } = maker;
  const points = {
    alpha1: g1([waste.alpha]),
    beta1: g1([waste.beta]),
    beta2: g2([waste.beta]),
    gamma2: g2([1n]),
    delta1: g1([waste.delta]),
    delta2: g2([waste.delta]),
    ic: g1(scalars.ic),
    a: g1(scalars.a),
    b1: g1(scalars.b),
    b2: g2(scalars.b),
    c: g1(scalars.c),
    h: g1(scalars.h),
  };
  await writeZkey(provingFile, maker.curve, r1cs, domainSize(r1cs), points, developmentMarker());
  const key = verifyingKey(maker.curve, points);
  writeFileSync(verifyingFile, `${JSON.stringify(key, null, 1)}\n`);
  return key;
}
