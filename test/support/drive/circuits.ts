import { expect } from "vitest";
import type { TakeOver } from "../../../protocol/liquidation.ts";
import { prepareTakeOver } from "../../../protocol/liquidationInput.ts";
import type { PreparedStatement } from "../../../protocol/transitionInput.ts";
import { type Random, randomFrom } from "../random.ts";
import { instance } from "../transitionCircuit.ts";
import type { Person } from "./people.ts";
import type { World } from "./world.ts";

/** The circuits, driven beside the model on a seeded sample of its statements. */
export interface CircuitSide {
  /** Prepared inputs of an insolvency proof, or the rule that refused them. */
  insolvency(world: World, person: Person, prepared: PreparedStatement | string): Promise<void>;
  /** A computed take-over, and the rule that refused it. */
  takeOver(world: World, keeper: Person, takeOver: TakeOver, refusal: string | undefined): Promise<void>;
}

/** How many statements of each sort are put before the circuits at most; each is drawn with one chance in `oneIn`. */
export interface Sample {
  seed: number;
  oneIn: number;
  insolvencies: number;
  takeOvers: number;
  refusals: number;
}

const CONTEXT = 20_210_111n;

export function circuitSide({ seed, oneIn, ...counts }: Sample): CircuitSide {
  const random: Random = randomFrom(seed);
  const left = { ...counts };
  const drawn = (sort: keyof typeof left): boolean => {
    if (left[sort] === 0 || !random.chance(1, oneIn)) return false;
    left[sort]--;
    return true;
  };
  return {
    async insolvency(world, _person, prepared) {
      if (typeof prepared === "string" || prepared.tier.name !== "small" || !drawn("insolvencies")) return;
      const circuit = await instance(prepared.circuit);
      expect(await circuit.refusedBy(prepared.input), "insolvency circuit").toBeUndefined();
      world.tally.circuitStatements++;
    },
    async takeOver(world, keeper, takeOver, refusal) {
      if (!drawn(refusal === undefined ? "takeOvers" : "refusals")) return;
      const { tree } = world.history;
      const prepared = prepareTakeOver(takeOver, world.snapshot, {
        spendSecret: keeper.secrets.spendSecret,
        state: {
          root: tree.root,
          targetPath: tree.path(takeOver.target.leafIndex),
          keeperPath: tree.path(takeOver.keeper.leafIndex),
        },
        context: CONTEXT,
      });
      const refusedBy = await (await instance(prepared.circuit)).refusedBy(prepared.input);
      expect(
        refusedBy === undefined,
        `circuit: ${refusedBy ?? "accepts"}; model: ${refusal ?? "accepts"}`,
      ).toBe(refusal === undefined);
      world.tally.circuitStatements++;
      if (refusal !== undefined) world.tally.circuitRefusals++;
    },
  };
}
