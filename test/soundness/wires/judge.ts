import { isDeepStrictEqual } from "node:util";
import { SolvusError } from "../../../protocol/errors.ts";
import type { CircuitInput } from "../../../protocol/openedRowsInput.ts";
import { constraintName } from "../survivors.ts";
import { type Conclusion, flatten, type Reading, withValues } from "./reading.ts";

/** What an accepted witness turned out to be. */
export type Verdict =
  /** Of the same statement: all public signals and the private meaning are the honest ones. Inputs that differ, by name, indices as `[*]`. */
  | { kind: "free"; changed: string[] }
  /** Of another statement that is as honest: the model gives the same public signals. Public signals that differ. */
  | { kind: "statement"; changed: string[] }
  /** Under a root that commits to what no ledger or reporter does. */
  | { kind: "unknownTree"; changed: string[] }
  /** A falsehood: a bug of the circuit or of the model. */
  | { kind: "false"; why: string };

/** Names without indices, each once, in alphabetical order. */
const general = (names: readonly string[]): string[] =>
  [...new Set(names.map((name) => constraintName([name])))].sort();

/** Judges witnesses that the constraints accept by their inputs alone. */
export function judgeOf(
  honest: CircuitInput,
  publicSignals: ReadonlySet<string>,
  read: (input: CircuitInput) => Reading,
): (changes: ReadonlyMap<string, bigint>) => Verdict {
  const before = flatten(honest);
  const meaning = read(withValues(honest, before)).conclude().meaning;
  const isPublic = (name: string): boolean => publicSignals.has(name.replace(/\[.*$/, ""));
  return (changes) => {
    const values = new Map([...before, ...changes]);
    const changed = [...changes.keys()].filter((name) => before.get(name) !== changes.get(name));
    const publics = changed.filter(isPublic);
    const reading = read(withValues(honest, values));
    const unknown = Object.entries(reading.impossible).filter(([, impossible]) => impossible);
    if (unknown.length > 0) {
      const known = unknown.filter(([root]) => !changed.includes(root)).map(([root]) => root);
      if (known.length > 0) return { kind: "false", why: `impossible under the known ${known}` };
      return { kind: "unknownTree", changed: general(publics) };
    }
    let conclusion: Conclusion;
    try {
      conclusion = reading.conclude();
    } catch (error) {
      if (!(error instanceof SolvusError)) throw error;
      return { kind: "false", why: `the model refuses: ${error.rule}` };
    }
    for (const [name, value] of flatten(conclusion.signals as CircuitInput))
      if (values.get(name) !== value) return { kind: "false", why: `${name} is not the model's` };
    if (publics.length > 0) return { kind: "statement", changed: general(publics) };
    if (!isDeepStrictEqual(conclusion.meaning, meaning))
      return { kind: "false", why: "another private meaning under the same public signals" };
    return { kind: "free", changed: general(changed) };
  };
}
