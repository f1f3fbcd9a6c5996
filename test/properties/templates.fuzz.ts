import fc from "fast-check";
import { expect, test } from "vitest";
import { fuzzRuns, measured } from "./runs.ts";
import { TEMPLATE_PROPERTIES } from "./templateProperties.ts";

test.each(TEMPLATE_PROPERTIES.map((one) => [one.template, one] as const))(
  "the template %s reckons as the model does, and refuses the numbers beside, ten thousand times",
  { timeout: 900_000 },
  async (template, { load }) => {
    const runs = fuzzRuns(10_000);
    const seen = measured(template);
    const details = fc.check(await load(), runs as fc.Parameters<[unknown]>);
    seen(details.numRuns, new Map());
    expect(fc.defaultReportMessage(details)).toBeUndefined();
  },
);
