/**
 * A refusal by one of the protocol's rules or by an input check.
 *
 * `rule` is a stable dotted name (`transition.initialMargin`) for programs and tests; `message` is one line for people that names the
 * field, the value and what was expected. Secrets are never put in either.
 */
export class SolvusError extends Error {
  readonly rule: string;

  constructor(rule: string, message: string) {
    super(message);
    this.name = "SolvusError";
    this.rule = rule;
  }
}

/** Throws a {@link SolvusError} for `rule` unless `condition` holds. */
export function ensure(condition: boolean, rule: string, message: string): asserts condition {
  if (!condition) throw new SolvusError(rule, message);
}

/** An input that cannot be worked with at all, absent or malformed, as opposed to one that a rule refuses. */
export class Misuse extends SolvusError {}

/** Runs what reads an input: whatever the protocol refuses there is a malformed input, hence {@link Misuse}. */
export function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SolvusError && !(error instanceof Misuse))
      throw new Misuse(error.rule, error.message);
    throw error;
  }
}
