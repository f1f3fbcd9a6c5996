import { expect, test } from "vitest";
import { boundedLabel } from "../../services/labels.ts";

test("a label that others choose has so many values and no more", () => {
  const label = boundedLabel(3);
  const values = Array.from({ length: 100 }, (_, index) => label(`rule ${index}`));
  expect(new Set(values)).toEqual(new Set(["rule 0", "rule 1", "rule 2", "other"]));
  expect(label("rule 1")).toBe("rule 1");
});
