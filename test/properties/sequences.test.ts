import { expect, test, vi } from "vitest";
import { addWorth } from "./books.ts";
import { steadyRuns } from "./runs.ts";
import { runSequences } from "./sequenceRuns.ts";

vi.mock("../../protocol/poseidon.ts", () => import("./standInHash.ts"));

test("over random sequences of steps every account is worth what the books say, and nothing is made or lost", async () => {
  const { printed, done } = await runSequences({}, 40, steadyRuns(25));
  expect(printed).toBeUndefined();
  for (const kind of ["deposit", "withdrawal", "trade", "epoch", "take-over"])
    expect(done.get(kind), kind).toBeGreaterThan(2);
});

test("books that forget a micro-dollar are found out, by a sequence of one step", async () => {
  const { printed } = await runSequences({}, 40, steadyRuns(40), (books, step) => {
    if (step === "deposit") addWorth(books, 0, 1n);
  });
  expect(printed).toMatch(/Counterexample: \[account \d: deposit of 1 (micro-USDC|lots of spot), fee 0 /);
  expect(printed).toMatch(/worth of account 0: \d+ in the accounts, \d+ in the books/);
});
