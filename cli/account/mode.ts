import { Option } from "commander";
import { MODE } from "../../protocol/constants.ts";

const NAMES = {
  normal: MODE.normal,
  "reduce-only": MODE.reduceOnly,
  exit: MODE.exit,
  "wind-down": MODE.windDown,
};

export type ModeName = keyof typeof NAMES;

/** The option that chooses among `names`, the first of which is the default. */
export function modeOption(...names: [ModeName, ...ModeName[]]): Option {
  return new Option("--mode <mode>", "which rules are asked for (see the rulebook)")
    .choices(names)
    .default(names[0]);
}

/** The mode as the circuit numbers it. */
export function modeOf({ mode }: { mode: ModeName }): bigint {
  return NAMES[mode];
}
