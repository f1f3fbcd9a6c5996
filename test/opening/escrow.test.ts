import { beforeAll, describe, expect, test } from "vitest";
import {
  add,
  BASE8,
  COFACTOR,
  hasPrimeOrder,
  isOnCurve,
  multiply,
  NEUTRAL,
  type Point,
  SUBGROUP_ORDER,
} from "../../protocol/babyJubjub.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { commitmentOf, emptyNote } from "../../protocol/note.ts";
import {
  committeeKeyOf,
  decryptOpening,
  encryptOpening,
  ephemeralScalar,
} from "../../protocol/openEscrow.ts";
import { toField } from "../../protocol/poseidon.ts";
import { type Circuit, loadTemplate } from "../support/circuit.ts";
import { ruleOf } from "../support/rule.ts";

/** circomlib's generator of the whole group, of order 8·SUBGROUP_ORDER. */
const GENERATOR: Point = [
  995203441582195749578291179787384436505546430278305826713579947235728471134n,
  5472060717959818805561601436314318772137091100104008585924551046643952123905n,
];
const EIGHTH = multiply(GENERATOR, SUBGROUP_ORDER);
/** All eight points of low order. */
const LOW_ORDER = Array.from({ length: 8 }, (_, k) => multiply(EIGHTH, BigInt(k)));

const privateKey = 123456789012345678901234567890n;
const committeeKey = committeeKeyOf(privateKey);
const account = emptyNote(11n, 22n, 33n);
const commitment = commitmentOf(account);

const bitsOf = (value: bigint, count: number) =>
  Array.from({ length: count }, (_, i) => (value >> BigInt(i)) & 1n);
const montgomery = ([x, y]: Point): Point => {
  const inverse = (value: bigint) => {
    let result = 1n;
    for (
      let base = toField(value), power = FIELD_ORDER - 2n;
      power > 0n;
      power >>= 1n, base = (base * base) % FIELD_ORDER
    ) {
      if (power & 1n) result = (result * base) % FIELD_ORDER;
    }
    return result;
  };
  const u = toField((1n + y) * inverse(1n - y));
  return [u, toField(u * inverse(x))];
};

describe("scalar multiplication", () => {
  const lowest = 0n;
  const highest = 2n ** 248n - 1n;
  const scalars = [
    lowest,
    1n,
    2n,
    highest,
    highest - 1n,
    highest / 3n,
    (highest / 3n) * 2n,
    0x1234567890abcdefn ** 3n,
  ];
  const scalarOf = (f: bigint) => 2n ** 249n + 2n * f + 1n;

  test("every ephemeral scalar is below the subgroup's order, so e + order is not another one", () => {
    expect(scalarOf(highest)).toBe(2n ** 250n - 1n);
    expect(scalarOf(highest)).toBeLessThan(SUBGROUP_ORDER);
    expect(scalarOf(lowest)).toBeGreaterThan(0n);
  });

  test("of Base8 agrees with the model at the ends of the range", async () => {
    const circuit = await loadTemplate("circuits/lib/scalarTimesBase8.circom", "ScalarTimesBase8");
    for (const f of scalars) {
      const witness = await circuit.witness({ bits: bitsOf(f, 248) });
      expect(circuit.violations(witness)).toEqual([]);
      expect([circuit.get(witness, "main.out[0]"), circuit.get(witness, "main.out[1]")]).toEqual(
        multiply(BASE8, scalarOf(f)),
      );
    }
  });

  test("of any point of prime order agrees with the model at the ends of the range", async () => {
    const circuit = await loadTemplate("circuits/lib/scalarTimesPoint.circom", "ScalarTimesPoint");
    for (const point of [BASE8, committeeKey]) {
      for (const f of scalars) {
        const witness = await circuit.witness({ bits: bitsOf(f, 248), point: [...montgomery(point)] });
        expect(circuit.violations(witness)).toEqual([]);
        expect([circuit.get(witness, "main.out[0]"), circuit.get(witness, "main.out[1]")]).toEqual(
          multiply(point, scalarOf(f)),
        );
      }
    }
  });

  test("a slope has one value", async () => {
    const circuit = await loadTemplate("circuits/lib/doubleAndAdd.circom", "DoubleAndAdd");
    const [p, q] = [montgomery(multiply(BASE8, 5n)), montgomery(BASE8)];
    const witness = await circuit.witness({ p: [...p], q: [...q] });
    expect([circuit.get(witness, "main.out[0]"), circuit.get(witness, "main.out[1]")]).toEqual(
      montgomery(multiply(BASE8, 11n)),
    );
    for (const slope of ["main.a", "main.b"]) {
      const tampered = circuit.set(witness, slope, circuit.get(witness, slope) + 1n);
      expect(circuit.violations(tampered).join("\n")).toContain(`DoubleAndAdd at main`);
    }
  });
});

describe("canonical bits", () => {
  let circuit: Circuit;
  beforeAll(async () => {
    circuit = await loadTemplate("circuits/lib/canonicalBits.circom", "CanonicalBits", [], ["in"]);
  });
  /** The witness of `value` with the bits of another integer of the same residue. */
  const withBits = async (value: bigint, integer: bigint) => {
    let witness = await circuit.witness({ in: value });
    for (const [i, bit] of bitsOf(integer, 254).entries())
      witness = circuit.set(witness, `main.bits[${i}]`, bit);
    return witness;
  };

  test("takes every element whose upper bits are below the field order's", async () => {
    const limit = (FIELD_ORDER >> 192n) << 192n;
    for (const value of [0n, 1n, 2n ** 253n, limit - 1n]) {
      const witness = await circuit.witness({ in: value });
      expect(circuit.violations(witness)).toEqual([]);
      expect(bitsOf(value, 254).map((_, i) => circuit.get(witness, `main.bits[${i}]`))).toEqual(
        bitsOf(value, 254),
      );
    }
    for (const value of [limit, FIELD_ORDER - 1n]) {
      expect(await circuit.refusedBy({ in: value })).toBe("CanonicalBits > Range > Num2Bits");
    }
  });

  test("refuses the second decomposition at 254 bits, value + r", async () => {
    for (const value of [0n, 5n, 2n ** 254n - FIELD_ORDER - 1n]) {
      expect(circuit.violations(await withBits(value, value))).toEqual([]);
      expect(circuit.violations(await withBits(value, value + FIELD_ORDER)).join("\n")).toContain(
        "main.Range_",
      );
    }
  });

  test("refuses digits that are not bits", async () => {
    const witness = await circuit.witness({ in: 2n });
    const tampered = circuit.set(circuit.set(witness, "main.bits[0]", 2n), "main.bits[1]", 0n);
    expect(circuit.violations(tampered).join("\n")).toContain("main.bits[0]");
  });
});

describe("committee key", () => {
  let circuit: Circuit;
  beforeAll(async () => {
    circuit = await loadTemplate("circuits/lib/primeOrderPoint.circom", "PrimeOrderPoint", [], ["point"]);
  });

  test("is multiplied by the cofactor", async () => {
    for (const point of [BASE8, committeeKey, GENERATOR, add(committeeKey, EIGHTH)]) {
      const witness = await circuit.witness({ point: [...point] });
      expect(circuit.violations(witness)).toEqual([]);
      const expected = montgomery(multiply(point, COFACTOR));
      expect([circuit.get(witness, "main.out[0]"), circuit.get(witness, "main.out[1]")]).toEqual(expected);
    }
  });

  test("of low order is refused: the shared secret would be known to everybody", async () => {
    expect(LOW_ORDER[0]).toEqual(NEUTRAL);
    for (const point of LOW_ORDER) {
      expect(isOnCurve(point)).toBe(true);
      expect(hasPrimeOrder(point)).toBe(false);
      expect(await circuit.refusedBy({ point: [...point] })).toMatch(
        /^PrimeOrderPoint( > MontgomeryDouble)?$/,
      );
    }
  });

  test("(0, -1) is refused by the inverse of x, not by a value that the prover may leave out", async () => {
    const witness = await circuit.witness({ point: [...BASE8] });
    let tampered = circuit.set(witness, "main.point[0]", 0n);
    tampered = circuit.set(tampered, "main.point[1]", FIELD_ORDER - 1n);
    for (const inverse of [0n, 1n]) {
      expect(circuit.violations(circuit.set(tampered, "main.inverse", inverse)).join("\n")).toContain(
        "main.inverse",
      );
    }
  });

  test("off the curve is refused", async () => {
    for (const point of [
      [1n, 2n],
      [BASE8[0], BASE8[1] + 1n],
      [0n, 0n],
      [BASE8[0], 0n],
    ] as const) {
      expect(await circuit.refusedBy({ point: [...point] })).toBe("PrimeOrderPoint");
    }
  });

  test("the model refuses every key that is not of prime order", () => {
    for (const point of [...LOW_ORDER, GENERATOR, add(committeeKey, EIGHTH), [1n, 2n] as Point]) {
      expect(ruleOf(() => encryptOpening(account, commitment, point))).toBe("openEscrow.committeeKey");
    }
    for (const key of [0n, SUBGROUP_ORDER])
      expect(ruleOf(() => committeeKeyOf(key))).toBe("openEscrow.privateKey");
  });
});

describe("escrow", () => {
  const escrow = encryptOpening(account, commitment, committeeKey);

  test("opens with the committee's key and no other", () => {
    const { rho, ownerKey, entity } = account;
    expect(decryptOpening(escrow, commitment, privateKey)).toEqual({ rho, ownerKey, entity });
    for (const other of [privateKey + 1n, SUBGROUP_ORDER - privateKey, 1n]) {
      expect(ruleOf(() => decryptOpening(escrow, commitment, other))).toBe("openEscrow.key");
    }
  });

  test("an altered word or commitment does not open", () => {
    for (const index of [2, 3, 4]) {
      const altered = escrow.with(index, toField((escrow[index] as bigint) + 1n));
      expect(ruleOf(() => decryptOpening(altered, commitment, privateKey))).toBe("openEscrow.key");
    }
    expect(ruleOf(() => decryptOpening(escrow, commitment + 1n, privateKey))).toBe("openEscrow.key");
    expect(ruleOf(() => decryptOpening(escrow.with(0, 1n), commitment, privateKey))).toBe(
      "openEscrow.ephemeralKey",
    );
  });

  test("has one value for one note and one key; notes with one rho share no pad", () => {
    expect(encryptOpening(account, commitment, committeeKey)).toEqual(escrow);
    const twin = emptyNote(account.ownerKey, 23n, account.rho);
    const other = encryptOpening(twin, commitmentOf(twin), committeeKey);
    expect(other.slice(0, 2)).toEqual(escrow.slice(0, 2));
    expect(toField((other[2] as bigint) - (escrow[2] as bigint))).not.toBe(0n);
    expect(ephemeralScalar(account)).not.toBe(ephemeralScalar({ ...account, rho: 34n }));
  });

  test("model and circuit agree, and no bit of the scalar can be altered", async () => {
    const circuit = await loadTemplate("circuits/lib/escrowToCommittee.circom", "EscrowToCommittee");
    const { rho, ownerKey, entity } = account;
    const witness = await circuit.witness({
      rho,
      ownerKey,
      entity,
      commitment,
      committeeKey: [...committeeKey],
    });
    expect(circuit.violations(witness)).toEqual([]);
    expect(escrow.map((_, i) => circuit.get(witness, `main.escrow[${i}]`))).toEqual(escrow);
    for (const signal of circuit.signals(/^main\.bits\[/).slice(0, 8)) {
      const tampered = circuit.set(witness, signal, 1n - circuit.get(witness, signal));
      expect(circuit.violations(tampered).length, signal).toBeGreaterThan(0);
    }
  });
});
