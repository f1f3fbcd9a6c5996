import { readdirSync, readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { StateTree } from "../../protocol/stateTree.ts";
import { insertionStatement } from "../../prover/statements.ts";
import { processProver } from "../../services/proving/processProver.ts";
import { randomElement } from "../support/ledgerFixture.ts";

/* Real proofs of insertions, in a process of their own. */

const prover = processProver();
afterAll(() => prover.close());

function statement() {
  const leaves = Array.from({ length: 16 }, randomElement);
  return insertionStatement(new StateTree().insertionInput(0, leaves));
}

/** Processes that this one started. */
function children(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        const program = readFileSync(`/proc/${name}/cmdline`, "utf8");
        return (
          stat.split(") ")[1]?.split(" ")[1] === String(process.pid) && program.includes("proverProcess")
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

test("proves while this process goes on with other things", async () => {
  const wanted = statement();
  let turns = 0;
  const ticking = setInterval(() => turns++, 10);
  const { proof, publicSignals } = await prover.prove(wanted);
  clearInterval(ticking);
  expect(proof).toHaveLength(8);
  expect(publicSignals).toEqual(wanted.publicSignals);
  expect(turns).toBeGreaterThan(20);
});

test("says by which rule a statement was refused", async () => {
  const wanted = statement();
  const altered = { ...wanted, publicSignals: wanted.publicSignals.with(1, 5n) };
  await expect(prover.prove(altered)).rejects.toMatchObject({ rule: "prover.publicSignals" });
});

test("starts anew after it was killed in the middle of a proof", async () => {
  const proving = prover.prove(statement());
  const [child] = children();
  process.kill(child as number, "SIGKILL");
  await expect(proving).rejects.toMatchObject({ rule: "prover.ended" });
  expect((await prover.prove(statement())).proof).toHaveLength(8);
});
