import { told } from "../../services/log.ts";

/** One thing that was looked at on the chain. */
export interface Check {
  name: string;
  /** Undefined when it could not be tried here. */
  passed: boolean | undefined;
  found: string;
  expected: string;
}

/** A check by equality. */
export function equal(name: string, found: unknown, expected: unknown): Check {
  const text = (value: unknown): string =>
    typeof value === "object"
      ? JSON.stringify(value, (_, item) => (typeof item === "bigint" ? String(item) : item))
      : String(value);
  return { name, passed: text(found) === text(expected), found: text(found), expected: text(expected) };
}

/** Runs what makes checks; when the chain does not answer as the contracts would, that is a failed check of this name. */
export async function guarded(
  name: string,
  expected: string,
  look: () => Promise<Check[]>,
): Promise<Check[]> {
  try {
    return await look();
  } catch (error) {
    const text = told(error);
    return [{ name, passed: false, found: text.slice(0, 120), expected }];
  }
}
