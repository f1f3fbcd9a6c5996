import { describe, expect, test } from "vitest";
import {
  add,
  BASE8,
  COFACTOR,
  hasPrimeOrder,
  multiply,
  NEUTRAL,
  type Point,
  SUBGROUP_ORDER,
} from "../../protocol/babyJubjub.ts";
import { DOMAIN, FIELD_ORDER } from "../../protocol/constants.ts";
import { commitmentOf, emptyNote } from "../../protocol/note.ts";
import { committeeKeyOf, decryptOpening, encryptOpening } from "../../protocol/openEscrow.ts";
import { poseidonMany, toField } from "../../protocol/poseidon.ts";
import { randomFrom } from "../support/random.ts";
import { ruleOf } from "../support/rule.ts";

/** A point of order 2, and one of order 8 in circomlib's coordinates: what a key or an ephemeral key may hide. */
const ORDER_2: Point = [0n, FIELD_ORDER - 1n];
const LOW_ORDER = lowOrderPoints();

/** All points whose order divides the cofactor, as multiples of `l·P` for points P of the full group. */
function lowOrderPoints(): Point[] {
  const generator: Point = [
    995203441582195749578291179787384436505546430278305826713579947235728471134n,
    5472060717959818805561601436314318772137091100104008585924551046643952123905n,
  ];
  const eighth = multiply(generator, SUBGROUP_ORDER);
  return Array.from({ length: 8 }, (_, k) => multiply(eighth, BigInt(k)));
}

const random = randomFrom(5);
const element = (): bigint => random.between(1n, FIELD_ORDER - 1n);
const accounts = Array.from({ length: 3 }, () => {
  const key = random.between(1n, SUBGROUP_ORDER - 1n);
  const account = emptyNote(element(), element(), element());
  const commitment = commitmentOf(account);
  const { rho, ownerKey, entity } = account;
  const escrow = encryptOpening(account, commitment, committeeKeyOf(key));
  return { key, plain: { rho, ownerKey, entity }, commitment, escrow };
});

describe("the escrow of an opening", () => {
  test("opens with the committee's key and with no other: not a neighbour, an inverse, a multiple, 0 or 1", () => {
    for (const { key, plain, commitment, escrow } of accounts) {
      expect(decryptOpening(escrow, commitment, key)).toEqual(plain);
      const others = [key + 1n, key - 1n, SUBGROUP_ORDER - key, (2n * key) % SUBGROUP_ORDER, key ^ 1n];
      for (const other of [...others, 0n, 1n, SUBGROUP_ORDER, random.between(2n, SUBGROUP_ORDER - 1n)])
        expect(ruleOf(() => decryptOpening(escrow, commitment, other))).toBe("openEscrow.key");
    }
  });

  test("does not open with another account's or another committee's key and commitment", () => {
    for (const [index, { escrow, commitment, key }] of accounts.entries()) {
      const next = accounts[(index + 1) % accounts.length] as (typeof accounts)[number];
      expect(ruleOf(() => decryptOpening(escrow, commitment, next.key))).toBe("openEscrow.key");
      expect(ruleOf(() => decryptOpening(escrow, next.commitment, key))).toBe("openEscrow.key");
    }
  });

  test("tells nothing to whoever knows public data alone: no point of low order is the shared secret", () => {
    expect(new Set(LOW_ORDER.map(String)).size).toBe(8);
    expect(LOW_ORDER).toContainEqual(NEUTRAL);
    expect(LOW_ORDER).toContainEqual(ORDER_2);
    for (const { escrow, plain, commitment, key } of accounts) {
      const ephemeral: Point = [escrow[0], escrow[1]];
      expect(hasPrimeOrder(ephemeral)).toBe(true);
      const publicPoints = [...LOW_ORDER, BASE8, ephemeral, committeeKeyOf(key)];
      for (const shared of publicPoints.flatMap((point) => [point, multiply(point, COFACTOR)])) {
        const pads = poseidonMany(DOMAIN.openPad, [...shared, commitment], 3) as [bigint, bigint, bigint];
        expect(toField(escrow[2] - pads[0])).not.toBe(plain.rho);
      }
    }
  });

  test("cannot be made to a key of low order or with such a part, which would be everybody's", () => {
    const { plain, commitment, key } = accounts[0] as (typeof accounts)[number];
    const mixed = LOW_ORDER.slice(1).map((point) => add(committeeKeyOf(key), point));
    for (const point of [...LOW_ORDER, ...mixed])
      expect(ruleOf(() => encryptOpening(plain, commitment, point))).toBe("openEscrow.committeeKey");
  });

  test("an altered word opens to nothing; an ephemeral key with a part of low order to the same account", () => {
    for (const { escrow, plain, commitment, key } of accounts.slice(0, 1)) {
      for (const [index, word] of escrow.entries()) {
        for (const altered of [word + 1n, word ^ 1n, FIELD_ORDER - word, 0n, element()]) {
          const rule = ruleOf(() => decryptOpening(escrow.with(index, altered), commitment, key));
          expect(["openEscrow.key", "openEscrow.ephemeralKey"], `word ${index}`).toContain(rule);
        }
      }
      // The committee multiplies by the cofactor: what is added to the key goes, and the commitment holds the rest.
      for (const point of LOW_ORDER) {
        const moved = [...add([escrow[0], escrow[1]], point), ...escrow.slice(2)];
        expect(decryptOpening(moved, commitment, key)).toEqual(plain);
      }
    }
  });

  test("of sums and swaps of two escrows opens nothing", () => {
    const [one, other] = accounts as [(typeof accounts)[number], (typeof accounts)[number]];
    const escrow = encryptOpening(other.plain, other.commitment, committeeKeyOf(one.key));
    for (const commitment of [one.commitment, other.commitment]) {
      for (let mask = 1; mask < 15; mask++) {
        const parts = [0, 0, 1, 2, 3].map(
          (part, word) => ((mask >> part) & 1 ? one.escrow : escrow)[word] as bigint,
        );
        expect(ruleOf(() => decryptOpening(parts, commitment, one.key))).toBe("openEscrow.key");
      }
    }
    const sum = escrow.map((word, i) => toField(word + (one.escrow[i] as bigint)));
    const [x, y] = add([escrow[0], escrow[1]], [one.escrow[0], one.escrow[1]]);
    expect(ruleOf(() => decryptOpening([x, y, ...sum.slice(2)], one.commitment, one.key))).toBe(
      "openEscrow.key",
    );
  });
});
