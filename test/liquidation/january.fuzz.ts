import { expect, test } from "vitest";
import { committeeKeyOf } from "../../protocol/openEscrow.ts";
import { auditLedger } from "../../verifier/ledgerAudit.ts";
import { circuitSide } from "../support/drive/circuits.ts";
import { contractSide } from "../support/drive/contracts.ts";
import { driveUntil, liveThroughAftermath, settleIn } from "../support/drive/drive.ts";
import { lockedUntil } from "../support/drive/fundModel.ts";
import { firstInputs } from "../support/drive/market.ts";
import { crowd } from "../support/drive/people.ts";
import { summary } from "../support/drive/summary.ts";
import { newWorld } from "../support/drive/world.ts";
import { randomFrom } from "../support/random.ts";

/* The drive of january.test.ts with other crowds, funds and more days. */

const USDC = 1_000_000n;
const SEEDS = [101, 102, 103, 104, 105, 106];

test.each(SEEDS)("crowd %i lives through five days of January 2021", { timeout: 900_000 }, async (seed) => {
  const random = randomFrom(seed);
  const inputs = firstInputs(Date.UTC(2021, 0, 8, 12));
  const committeeKey = committeeKeyOf(271_828_182n);
  const fund = random.pick([0n, 5_000n, 50_000n, 500_000n]) * USDC;
  const floor = fund / 3n;
  const contracts = await contractSide(inputs, { committeeKey, floor });
  try {
    const circuits = circuitSide({ seed, oneIn: 10, insolvencies: 20, takeOvers: 30, refusals: 20 });
    const counts = { trader: Number(random.between(20n, 60n)), maker: 6, keeper: 8 };
    const people = crowd(random, counts, contracts.chain);
    const world = newWorld(random, people, inputs, { committeeKey, floor, contracts, circuits });
    await settleIn(world, fund);
    await driveUntil(world, Date.UTC(2021, 0, 13, 12));
    process.stdout.write(`\n${summary(world, fund)}\n`);
    if (lockedUntil(world.fund, world.now) > world.now) await liveThroughAftermath(world);
    const { checks } = await auditLedger(contracts.chain);
    expect(checks.filter(({ passed }) => !passed)).toEqual([]);
    expect(world.tally.takeOvers).toBeGreaterThan(0);
  } finally {
    await contracts.close();
  }
});
