import { randomBytes } from "node:crypto";
import { buildBn128, type Curve } from "ffjavascript";
import { CIRCUITS, type CircuitName } from "../../contracts/statements.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { developmentWaste } from "../../scripts/setup/toxicWaste.ts";

/*
 * Whoever knows the toxic waste of a key can prove anything. Here that serves the contracts' tests: valid Groth16 proofs of any public
 * signals, without a circuit. For a random a and b, the point C = (a·b − alpha·beta − L) / delta completes a valid proof.
 */

const SIGNALS: Record<CircuitName, number> = {
  open: 13,
  "transition.small": 15,
  "transition.large": 15,
  "solvency.small": 8,
  "solvency.large": 8,
  "insolvency.small": 6,
  "insolvency.large": 6,
  "liquidation.small": 25,
  "liquidation.large": 25,
  insertion: 5,
};

const mod = (value: bigint): bigint => ((value % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER;

/** 1 / value modulo r. */
export function inverse(value: bigint): bigint {
  let result = 1n;
  let base = mod(value);
  for (let exponent = FIELD_ORDER - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % FIELD_ORDER;
    base = (base * base) % FIELD_ORDER;
  }
  return result;
}

/** A forger for keys of its own: made from the public toxic waste, with arbitrary input points. */
export interface Forger {
  /** Verifying keys as the contracts hold them, for `deploySolvus`. */
  keys: Record<CircuitName, string>;
  /**
   * A proof for these public signals, new at each call, in the contracts' order of words. It is valid unless an `error` is given: by so
   * much, in the exponent, the two sides of its equation differ.
   */
  forge(circuit: CircuitName, inputs: readonly bigint[], error?: bigint): bigint[];
  /** Words of a key with other secrets: to make keys that must be refused. */
  key(secrets: Secrets): string;
  close(): Promise<void>;
}

/** Scalars of a verifying key's points. */
export interface Secrets {
  alpha: bigint;
  beta: bigint;
  gamma: bigint;
  delta: bigint;
  ic: readonly bigint[];
}

/** The scalars of a circuit's stand-in key. */
export function standInSecrets(name: CircuitName): Secrets {
  const { alpha, beta, delta } = developmentWaste(name);
  const ic = Array.from({ length: SIGNALS[name] + 1 }, (_, index) =>
    BigInt(1000 * (index + 1) + name.length),
  );
  return { alpha, beta, gamma: 1n, delta, ic };
}

export async function createForger(): Promise<Forger> {
  const curve: Curve = await buildBn128(true);
  const g1 = (scalar: bigint): bigint[] => {
    const point = curve.G1.toAffine(curve.G1.timesFr(curve.G1.g, curve.Fr.e(mod(scalar))));
    return (curve.G1.toObject(point) as bigint[]).slice(0, 2);
  };
  const g2 = (scalar: bigint): bigint[] => {
    const point = curve.G2.toAffine(curve.G2.timesFr(curve.G2.g, curve.Fr.e(mod(scalar))));
    const [x, y] = curve.G2.toObject(point) as bigint[][];
    return [x[1], x[0], y[1], y[0]];
  };
  const key = ({ alpha, beta, gamma, delta, ic }: Secrets): string => {
    const words = [...g1(alpha), ...g2(beta), ...g2(gamma), ...g2(delta), ...ic.flatMap(g1)];
    return `0x${words.map((word) => word.toString(16).padStart(64, "0")).join("")}`;
  };
  return {
    keys: Object.fromEntries(CIRCUITS.map((name) => [name, key(standInSecrets(name))])) as Forger["keys"],
    forge(circuit, inputs, error = 0n) {
      const { alpha, beta, delta, ic } = standInSecrets(circuit);
      const a = BigInt(`0x${randomBytes(30).toString("hex")}`);
      const b = BigInt(`0x${randomBytes(30).toString("hex")}`);
      const sum = inputs.reduce((total, input, index) => total + input * ic[index + 1], ic[0]);
      const c = mod((a * b - alpha * beta - sum + error) * inverse(delta));
      return [...g1(a), ...g2(b), ...g1(c)];
    },
    key,
    async close() {
      await curve.terminate();
    },
  };
}
