import { expect, test } from "vitest";
import { flagAt, permittedRate } from "../../services/keeper/flags.ts";
import * as model from "../support/drive/auctionModel.ts";

test("the rate that a keeper computes is the auction's, second by second", () => {
  for (let elapsed = 0n; elapsed < 4_000n; elapsed++)
    expect(permittedRate(elapsed)).toBe(model.permittedRate(elapsed));
  expect([0n, 900n, 3_600n, 10n ** 9n].map(permittedRate)).toEqual([3_276n, 19_660n, 32_768n, 32_768n]);
});

test("a flag is there up to its last second", () => {
  const flag = { clockStart: 1_000n, lastProven: 2_000n, firstEpoch: 3n };
  const book = { flags: new Map([[7n, flag]]), revealed: new Set<bigint>() };
  const at = (now: bigint) => flagAt(book, 7n, now, { lapsesAfter: 600n });
  expect(at(2_600n)).toBe(flag);
  expect(at(2_601n)).toBeUndefined();
  expect(flagAt(book, 8n, 2_000n, { lapsesAfter: 600n })).toBeUndefined();
});
