import { expect, test } from "vitest";
import { runHistory } from "./padHistory.ts";
import { collectPads } from "./publishedPads.ts";

/** Histories, and steps of each. A failure names the seed. */
const HISTORIES = 12;
const STEPS = 1_500;

test("no pad serves two plaintexts over many long histories", { timeout: 900_000 }, () => {
  let pads = 0;
  for (let seed = 1_000; seed < 1_000 + HISTORIES; seed++) {
    const collected = collectPads(runHistory(seed, STEPS).published);
    expect(collected.repeated, `seed ${seed}`).toEqual([]);
    pads += collected.pads;
  }
  expect(pads).toBeGreaterThan(HISTORIES * STEPS);
});
