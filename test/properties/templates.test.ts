import fc from "fast-check";
import { expect, test } from "vitest";
import { steadyRuns } from "./runs.ts";
import { TEMPLATE_PROPERTIES } from "./templateProperties.ts";

test.each(TEMPLATE_PROPERTIES.map((one) => [one.template, one] as const))(
  "the template %s reckons as the model does, and refuses the numbers beside",
  async (_template, { load }) => {
    const details = fc.check(await load(), steadyRuns(12) as fc.Parameters<[unknown]>);
    expect(fc.defaultReportMessage(details)).toBeUndefined();
  },
);
