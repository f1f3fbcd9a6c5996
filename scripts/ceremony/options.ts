import type { Places } from "../setup/paths.ts";
import type { PowersOfTau } from "./knownPowersOfTau.ts";

/** What the steps have in common; tests bring circuits and powers of tau of their own. */
export interface CeremonyOptions {
  places?: Places;
  known?: readonly PowersOfTau[];
  /** Show no progress of the set-up. */
  quiet?: boolean;
  /** Called with a line before each part that takes long. */
  onStep?: (line: string) => void;
}
