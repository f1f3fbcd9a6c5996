/**
 * Values of a metric's label that others choose, as they are up to `most` different ones and `other` from then on: a label's values are kept
 * for ever, and must not grow by what somebody says.
 */
export function boundedLabel(most = 64): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.size < most) known.add(value);
    return known.has(value) ? value : "other";
  };
}
