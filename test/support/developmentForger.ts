import { randomBytes } from "node:crypto";
import { buildBn128 } from "ffjavascript";
import { CIRCUITS, type CircuitName } from "../../contracts/statements.ts";
import { readPinnedKey } from "../../protocol/circuitFiles.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import type { VerifyingKey } from "../../protocol/verifyingKey.ts";
import { developmentWaste } from "../../scripts/setup/toxicWaste.ts";
import { type Forger, inverse } from "./forgedProofs.ts";

/*
 * Proofs for the generated development keys without a circuit, as fast as a relayer can want them: whoever knows a key's waste completes a
 * valid proof of anything. To verifiers, on chain and off, they are proofs like others.
 */

const mod = (value: bigint): bigint => ((value % FIELD_ORDER) + FIELD_ORDER) % FIELD_ORDER;

/** Operations of a group that ffjavascript's types leave out. */
interface Arithmetic {
  fromObject(point: readonly bigint[]): Uint8Array;
  add(one: Uint8Array, other: Uint8Array): Uint8Array;
  sub(one: Uint8Array, other: Uint8Array): Uint8Array;
}

/** A forger for the keys in `build`. For a random a and b the point C = ((a·b − alpha·beta)·G − L) / delta completes a proof. */
export async function developmentForger(): Promise<Pick<Forger, "forge" | "close">> {
  const keys = new Map<CircuitName, VerifyingKey>();
  for (const circuit of CIRCUITS) keys.set(circuit, await readPinnedKey(circuit));
  // Without threads: each point is multiplied where it is asked for.
  const curve = await buildBn128(true);
  const { Fr, G2 } = curve;
  const G1 = curve.G1 as typeof curve.G1 & Arithmetic;
  const words = (group: typeof G2, point: Uint8Array) =>
    (group.toObject(group.toAffine(point)) as (bigint | bigint[])[]).slice(0, 2);
  const pointsOf = new Map<CircuitName, Uint8Array[]>();
  for (const [circuit, { IC }] of keys)
    pointsOf.set(
      circuit,
      IC.map((point) => G1.fromObject(point.map(BigInt))),
    );
  return {
    forge(circuit, inputs, error = 0n) {
      const { alpha, beta, delta } = developmentWaste(circuit);
      const [a, b] = [0, 1].map(() => BigInt(`0x${randomBytes(30).toString("hex")}`)) as [bigint, bigint];
      const [constant, ...points] = pointsOf.get(circuit) as [Uint8Array, ...Uint8Array[]];
      const sum = inputs.reduce(
        (total, input, index) => G1.add(total, G1.timesFr(points[index], Fr.e(mod(input)))),
        constant,
      );
      const scalar = mod(a * b - alpha * beta + error);
      const c = G1.timesFr(G1.sub(G1.timesFr(G1.g, Fr.e(scalar)), sum), Fr.e(inverse(delta)));
      const [[bxRe, bxIm], [byRe, byIm]] = words(G2, G2.timesFr(G2.g, Fr.e(b))) as [bigint[], bigint[]];
      return [
        ...(words(G1, G1.timesFr(G1.g, Fr.e(a))) as bigint[]),
        ...[bxIm, bxRe, byIm, byRe],
        ...(words(G1, c) as bigint[]),
      ] as bigint[];
    },
    close: () => curve.terminate(),
  };
}
