import { beforeAll, describe, expect, test } from "vitest";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { computeTakeOver } from "../../protocol/liquidation.ts";
import type { Note } from "../../protocol/note.ts";
import type { CircuitInput } from "../../protocol/openedRowsInput.ts";
import { decryptKeeperChange, decryptTargetChange } from "../../protocol/takeOverEscrow.ts";
import type { Circuit } from "../support/circuit.ts";
import { KEEPER_LEAF_INDEX, keeperNote, request, takeOverInputs } from "../support/liquidationCircuit.ts";
import {
  noteWith,
  OPTION,
  PERPETUAL,
  SECOND_PERPETUAL,
  SPOT,
  smallMarket,
} from "../support/syntheticMarket.ts";
import { instance, LEAF_INDEX } from "../support/transitionCircuit.ts";

/* A keeper who lies: each forged input of a take-over that holds otherwise, and the constraint that refuses it. */

const USD = 1_000_000n;
const snapshot = smallMarket();
const target: Note = noteWith(-90_000n * USD, [
  { id: PERPETUAL, size: 1_000n, fundingIndex: 500_000n },
  { id: OPTION, size: -333n, fundingIndex: 0n },
  { id: SPOT, size: 1n, fundingIndex: 0n },
  { id: SECOND_PERPETUAL, size: -77n, fundingIndex: 0n },
]);
const takeOver = computeTakeOver(
  { note: target, leafIndex: LEAF_INDEX },
  { note: keeperNote(300_000n * USD), leafIndex: KEEPER_LEAF_INDEX },
  snapshot,
  request(30_001n, 3_000n, { fee: 5n }),
);
const { input, signals, publicSignals } = takeOverInputs(takeOver, snapshot);

let circuit: Circuit;
beforeAll(async () => {
  circuit = await instance("liquidation.small");
});

const refusedBy = (changes: CircuitInput): Promise<string | undefined> =>
  circuit.refusedBy({ ...input, ...changes });
const refusedAt = (changes: CircuitInput): Promise<string | undefined> =>
  circuit.refusedAt({ ...input, ...changes });
const changed = (signal: string, place: number, by: bigint): CircuitInput => {
  const values = input[signal] as bigint[];
  return { [signal]: values.with(place, (values[place] as bigint) + by) };
};
const inverse = (value: bigint): bigint => {
  let [result, base] = [1n, value];
  for (let exponent = FIELD_ORDER - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * base) % FIELD_ORDER;
    base = (base * base) % FIELD_ORDER;
  }
  return result;
};

test("the honest take-over is accepted, and its public signals are the model's", async () => {
  const witness = await circuit.witness(input);
  expect(circuit.violations(witness)).toEqual([]);
  expect(publicSignals.length).toBe(25);
  expect(witness.slice(1, 26)).toEqual(publicSignals);
});

describe("every hint has one valid value", () => {
  test("a lot more or less of a leg", async () => {
    for (const place of [0, 1, 2, 3]) {
      for (const by of [1n, -1n]) expect(await refusedBy(changed("taken", place, by))).toContain("Slice");
    }
  });

  test("a quotient plus a multiple of p over the divisor", async () => {
    // taken·2^16 - slice·|size| = any other remainder r', solved in the field.
    const size = 1_000n;
    for (const remainder of [0n, 1n, 65_535n]) {
      const solution = ((30_001n * size + remainder) * inverse(1n << 16n)) % FIELD_ORDER;
      if (solution === (input.taken as bigint[])[0]) continue;
      expect(await refusedBy({ taken: (input.taken as bigint[]).with(0, solution) })).toContain("Slice");
    }
    const owed = (input.payment as bigint) + inverse(1n << 32n);
    expect(await refusedBy({ payment: owed % FIELD_ORDER })).toContain("TakeOverPayments");
  });

  test("the opposite sign of a leg", async () => {
    const values = input.taken as bigint[];
    expect(await refusedBy({ taken: values.with(1, -(values[1] as bigint)) })).toContain("Slice");
  });

  test("something taken of an empty or of another place", async () => {
    expect(await refusedBy(changed("taken", 5, 1n))).toContain("Slice");
  });

  test("payment, deficit and reward, a micro-dollar more or less", async () => {
    for (const name of ["payment", "deficit", "reward"]) {
      for (const by of [1n, -1n]) {
        expect(await refusedBy({ [name]: (input[name] as bigint) + by })).toContain("TakeOverPayments");
      }
    }
  });

  test("a scan risk that is not the maximum, of any of the three portfolios", async () => {
    for (const name of ["scan", "scanAfter", "keeperScan"]) {
      for (const by of [1n, -1n]) {
        expect(await refusedBy(changed(name, 0, by))).toContain("Margin > ScanRisk");
      }
      expect(await refusedBy({ [name]: (input[name] as bigint[]).with(0, 0n) })).toContain("ScanRisk");
    }
  });

  test("the cured bit, which ends flag and clock", async () => {
    expect(await refusedAt({ cured: 1n - signals.cured })).toBe("cure.nonNegative === cured;");
    expect(await refusedAt({ cured: 2n })).toBe("cure.nonNegative === cured;");
  });
});

describe("public signals are bound", () => {
  test("a lower restoration or a higher rate than the proof's changes what must hold", async () => {
    expect(await refusedBy({ rate: signals.rate + 1n })).toContain("TakeOverPayments");
    expect(await refusedBy({ rate: FIELD_ORDER - 1n })).toContain("Range");
    expect(await refusedBy({ rate: 1n << 16n })).toContain("SliceBounds > Range");
    expect(await refusedBy({ restoration: 1n << 16n })).toContain("SliceBounds > Range");
    expect(await refusedBy({ restoration: FIELD_ORDER - 70_000n })).toContain("SliceBounds > Range");
  });

  test("commitments, nullifiers and the escrow words", async () => {
    expect(await refusedAt({ targetCommitment: 1n })).toMatch(/targetCommitment|targetWords/);
    expect(await refusedAt({ keeperCommitment: 1n })).toMatch(/keeperCommitment|keeperWords/);
    expect(await refusedAt({ targetNullifier: 1n })).toContain("targetSpend.nullifier");
    expect(await refusedAt({ keeperNullifier: 1n })).toContain("keeperSpend.nullifier");
    for (let word = 0; word < 4; word++) {
      expect(await refusedAt(changed("targetEscrow", word, 1n))).toContain("targetWords");
    }
    for (let word = 0; word < 6; word++) {
      expect(await refusedAt(changed("keeperEscrow", word, 1n))).toContain("keeperWords");
    }
  });

  test("another leaf index: a twin note of the target elsewhere in the tree has another nullifier", async () => {
    expect(await refusedBy({ targetLeafIndex: LEAF_INDEX + 16n })).toContain("StateMembership");
  });

  test("a fee out of range, and a fee that the keeper's cash does not show", async () => {
    expect(await refusedBy({ fee: 1n << 40n })).toContain("Range");
    expect(await refusedBy({ fee: FIELD_ORDER - 1n })).toContain("Range");
    expect(await refusedAt({ fee: 6n })).toMatch(/keeperCommitment|keeperWords/);
  });

  test("the context is in a constraint", async () => {
    const witness = await circuit.witness(input);
    expect(circuit.brokenBy(witness, "main.context", 1n)).not.toEqual([]);
  });
});

describe("whose notes", () => {
  test("without the keeper's spend secret there is no take-over into its account", async () => {
    expect(await refusedBy({ spendSecret: 1n })).toContain("StateMembership");
  });

  test("another content of the target's note is in no tree", async () => {
    expect(await refusedBy({ cash: (input.cash as bigint) - 1n })).toContain("StateMembership");
    expect(await refusedBy(changed("size", 0, 1n))).toContain("StateMembership");
    expect(await refusedBy(changed("oldFundingIndex", 0, 1n))).toContain("StateMembership");
    expect(await refusedBy({ rho: 1n })).toContain("StateMembership");
    expect(await refusedBy({ ownerKey: 1n })).toContain("StateMembership");
  });

  test("packed alike is not enough: -1000 with index 0 and -1000 + 2^37 with index -1 do not both pass", async () => {
    const sizes = input.size as bigint[];
    const indexes = input.oldFundingIndex as bigint[];
    expect(
      await refusedBy({
        size: sizes.with(0, (sizes[0] as bigint) - 1n),
        oldFundingIndex: indexes.with(0, (indexes[0] as bigint) + (1n << 42n)),
      }),
    ).toContain("HeldLegs > SignedRange");
  });

  test("a leg in the group of another underlying, which would hedge it there, opens no row", async () => {
    const group = input.group as bigint[][];
    const other = (group[3] as bigint[]).map((_, g) => (g === 0 ? 1n : 0n));
    expect(await refusedAt({ group: group.with(3, other) })).toBe("rows[i].subRoot === root;");
  });
});

describe("the escrow of a take-over", () => {
  const indexOf = (id: bigint): bigint => takeOver.legs.find((leg) => leg.id === id)?.row.fundingIndex ?? 0n;
  const [word] = signals.targetEscrow as [bigint];
  const targetChange = {
    leafIndex: LEAF_INDEX,
    commitment: signals.targetCommitment,
    escrow: signals.targetEscrow,
  };
  const keeperChange = {
    leafIndex: KEEPER_LEAF_INDEX,
    commitment: signals.keeperCommitment,
    escrow: signals.keeperEscrow,
  };

  test("opens each new note for whoever knows the old one", () => {
    expect(decryptTargetChange(target, targetChange, indexOf)).toEqual(takeOver.target.after);
    expect(decryptKeeperChange(takeOver.keeper.before, keeperChange, indexOf)).toEqual(takeOver.keeper.after);
  });

  test("does not open with another rho, nor when a word is altered", () => {
    expect(() => decryptTargetChange({ ...target, rho: 100n }, targetChange, indexOf)).toThrow(
      /does not open/,
    );
    expect(() =>
      decryptTargetChange(
        target,
        { ...targetChange, escrow: signals.targetEscrow.with(0, word + 1n) },
        indexOf,
      ),
    ).toThrow(/does not open/);
    for (let place = 0; place < 6; place++) {
      const escrow = signals.keeperEscrow.with(place, (signals.keeperEscrow[place] as bigint) + (1n << 36n));
      expect(() => decryptKeeperChange(takeOver.keeper.before, { ...keeperChange, escrow }, indexOf)).toThrow(
        /does not open/,
      );
    }
  });

  test("the target's words open nothing for the keeper's rho, and the other way round", () => {
    expect(() =>
      decryptTargetChange({ ...target, rho: takeOver.keeper.before.rho }, targetChange, indexOf),
    ).toThrow(/does not open/);
  });
});
