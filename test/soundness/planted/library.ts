import type { Inputs } from "../../support/witnessCalculator.ts";

/** A classic bug, in templates `Planted` (with it) and `Clean` (without) of one circom file of this directory. */
export interface PlantedBug {
  file: string;
  /** Inputs that leave a choice. */
  inputs: Inputs;
  /** Lines of the witness program that a cheater replaces; the constraints stay as they are. */
  cheat: Record<string, string>;
  /** Signals of main that are then not determined: each must be named. */
  free: string[];
  /** Signals of the clean twin that may stay unproven, because nothing that is used depends on them. */
  harmless?: string[];
}

/** Written from the descriptions of public collections of circuit bugs. */
export const PLANTED: PlantedBug[] = [
  {
    file: "missingRangeCheck",
    inputs: { in: 23n },
    cheat: { "quotient <-- in \\ 10;": "quotient <-- 1;", "remainder <-- in % 10;": "remainder <-- 13;" },
    free: ["quotient", "remainder"],
  },
  {
    file: "wrappedQuotient",
    inputs: { in: 23n },
    cheat: {
      "quotient <-- in \\ 16;": "quotient <-- (in - 8) / 16;",
      "remainder <-- in % 16;": "remainder <-- 8;",
    },
    free: ["quotient", "remainder"],
  },
  {
    file: "remainderEqualsDivisor",
    inputs: { in: 20n },
    cheat: { "quotient <-- in \\ 10;": "quotient <-- 1;", "remainder <-- in % 10;": "remainder <-- 10;" },
    free: ["quotient", "remainder"],
  },
  {
    file: "unconstrainedHint",
    inputs: { in: 5n },
    cheat: {
      "square <-- in * in;": "square <-- 26;",
      "square <== in * in;": "square <-- 26; square === in * in;",
    },
    free: ["square", "fourth"],
  },
  {
    file: "assertedHint",
    inputs: { dividend: 6n, divisor: 2n },
    cheat: {
      "quotient <-- dividend / divisor;": "quotient <-- 4;",
      "assert(quotient * divisor == dividend);": "",
    },
    free: ["quotient"],
  },
  {
    // 5 + r = 2·((r − 1) / 2 + 3), bit by bit.
    file: "aliasedBits",
    inputs: { in: 5n },
    cheat: { "bits[i] <-- (in >> i) & 1;": "bits[i] <-- i == 0 ? 0 : (((-1) \\ 2 + 3) >> (i - 1)) & 1;" },
    free: ["bits[0]", "bits[253]"],
  },
  {
    file: "nonBooleanFlag",
    inputs: { in: 5n },
    cheat: {
      "for (var i = 0; i < 3; i++) bits[i] <-- (in >> i) & 1;":
        "bits[0] <-- 0; bits[1] <-- in / 2; bits[2] <-- 0;",
    },
    free: ["bits[0]", "bits[1]", "bits[2]"],
  },
  {
    file: "gatedNullifier",
    inputs: { secret: 3n, enabled: 0n },
    cheat: { "nullifier <-- square * secret;": "nullifier <-- 77;" },
    free: ["nullifier"],
  },
  {
    file: "secondIndex",
    inputs: { place: 8n },
    cheat: { "row <-- place \\ 8;": "row <-- 0;", "column <-- place % 8;": "column <-- 8;" },
    free: ["row", "column"],
  },
  {
    file: "wrappedComparator",
    inputs: { in: 25n },
    cheat: { "quotient <-- in \\ 10;": "quotient <-- 3;", "remainder <-- in % 10;": "remainder <-- -5;" },
    free: ["quotient", "remainder"],
  },
  {
    file: "freeZeroTest",
    inputs: { in: 5n },
    cheat: { "signal inverse <-- in != 0 ? 1 / in : 0;": "signal inverse <-- 7;" },
    free: ["out"],
    harmless: ["inverse"],
  },
  {
    file: "divisionByZero",
    inputs: { dividend: 0n, divisor: 0n },
    cheat: { "ratio <-- divisor != 0 ? dividend / divisor : 0;": "ratio <-- 7;" },
    free: ["ratio"],
  },
  {
    // 5 + r in three parts of 100 bits.
    file: "overflowingPack",
    inputs: { word: 5n },
    cheat: {
      "part[i] <-- (word >> (100 * i)) & ((1 << 100) - 1);":
        "part[i] <-- i == 0 ? 2 * (((-1) \\ 2 + 3) & ((1 << 99) - 1)) : (((-1) \\ 2 + 3) >> (100 * i - 1)) & ((1 << 100) - 1);",
    },
    free: ["part[0]", "part[1]", "part[2]"],
  },
  {
    file: "looseSelector",
    inputs: { place: 3n },
    cheat: { "chosen[i] <-- place == i ? 1 : 0;": "chosen[i] <-- i == 1 || i == 2 ? 1 : 0;" },
    free: ["chosen[1]", "chosen[2]", "chosen[3]"],
  },
  {
    file: "unreachedMaximum",
    inputs: { in: [4n, 9n, 2n] },
    cheat: { "most <-- larger > in[2] ? larger : in[2];": "most <-- 10;" },
    free: ["most"],
  },
  {
    file: "borrowingDigits",
    inputs: { word: 1n << 84n },
    cheat: { "digit[d] <-- (word >> (84 * d)) & ((1 << 84) - 1);": "digit[d] <-- d == 0 ? 1 << 84 : 0;" },
    free: ["digit[0]", "digit[1]"],
  },
  {
    file: "secondRoot",
    inputs: { square: 9n },
    cheat: { "root <-- square == 9 ? 3 : 0;": "root <-- -3;" },
    free: ["root"],
  },
  {
    file: "ambiguousSign",
    inputs: { in: 0n },
    cheat: { "nonNegative <-- in >= 0 ? 1 : 0;": "nonNegative <-- 0;" },
    free: ["nonNegative"],
  },
];
