import { bn254 } from "@noble/curves/bn254";
import { CIRCUITS, type CircuitName } from "../../contracts/statements.ts";
import { developmentWaste } from "../../scripts/setup/toxicWaste.ts";
import { inverse } from "../support/forgedProofs.ts";
import { type Item, inputCountOf } from "../support/proofBatch.ts";
import type { Random } from "../support/random.ts";
import { ATTACKS } from "./attacks.ts";
import { g1Words, inputPoint, type KeyPoints, R, twistWords } from "./equation.ts";
import type { ThreeVerifiers } from "./threeVerifiers.ts";

const G1 = bn254.G1.ProjectivePoint;
const G2 = bn254.G2.ProjectivePoint;

export const randomInputs = (random: Random, circuit: CircuitName): bigint[] =>
  Array.from({ length: inputCountOf(circuit) }, () =>
    random.chance(1, 8)
      ? random.pick([0n, 1n, R - 1n])
      : ((random.between(0n, 2n ** 128n) << 126n) + random.between(0n, 2n ** 126n)) % R,
  );

/** An item with signals from the seed and a proof of them, valid unless an `error` is given; the proof's randomness is its own. */
export function provenItem(
  { forger }: Pick<ThreeVerifiers, "forger">,
  random: Random,
  circuit: CircuitName = random.pick(CIRCUITS),
  error?: bigint,
): Item {
  const inputs = randomInputs(random, circuit);
  return { circuit, inputs, proof: forger.forge(circuit, inputs, error) };
}

/** Proofs that are valid though they have a point at infinity, or the key's own points: the equation allows them to whoever knows the waste. */
export function edgeProofs(keys: Record<CircuitName, KeyPoints>, circuit: CircuitName, inputs: bigint[]) {
  const { alpha, beta, ic } = keys[circuit];
  const waste = developmentWaste(circuit);
  const inputSum = inputPoint(ic, inputs);
  const both = alpha.multiply(waste.beta).add(inputSum);
  const overDelta = (point: typeof both) => point.negate().multiply(inverse(waste.delta));
  const proof = (a: typeof both, b: typeof beta, c: typeof both): Item => ({
    circuit,
    inputs,
    proof: [...g1Words(a), ...twistWords(b), ...g1Words(c)],
  });
  return {
    "A and B at infinity": proof(G1.ZERO, G2.ZERO, overDelta(both)),
    "A at infinity": proof(G1.ZERO, G2.BASE, overDelta(both)),
    "B at infinity": proof(G1.BASE, G2.ZERO, overDelta(both)),
    "C at infinity": proof(both, G2.BASE, G1.ZERO),
    "A and B the key's alpha and beta": proof(alpha, beta, overDelta(inputSum)),
  };
}

/** A batch of up to `most` items of which some are attacked, and the attacks' names by their place. */
export function attackedBatch(three: ThreeVerifiers, random: Random, most = 16) {
  const length = Number(random.between(1n, BigInt(most)));
  const items = Array.from({ length }, () => provenItem(three, random));
  const names: Record<number, string> = {};
  for (let left = random.between(0n, 3n); left > 0n; left--) {
    const index = Number(random.between(0n, BigInt(length - 1)));
    if (index in names) continue;
    names[index] = random.pick(Object.keys(ATTACKS));
    items[index] = ATTACKS[names[index]].apply(items[index], random, three.keys);
  }
  return { items, names };
}
