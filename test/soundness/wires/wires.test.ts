import { expect, test } from "vitest";
import { REVIEWED } from "../uniqueness/reviewed.ts";
import { instanceOf, READERS } from "./circuits.ts";
import { FREE } from "./free.ts";
import { judgeOf } from "./judge.ts";
import { element, flatten, withValues } from "./reading.ts";
import { type HonestStatement, honestStatements, STATED } from "./statements.ts";

test.each(Object.entries(FREE))(
  "%s: what is free is nothing that has to follow from the rest",
  (template, free) => {
    const withheld = REVIEWED[template]?.withheld ?? [];
    expect(Object.keys(free).filter((name) => withheld.includes(name))).toEqual([]);
  },
);

test.each(STATED.filter((circuit) => circuit.endsWith(".small")))(
  "%s: an honest statement is read as it was made, and a lie is told from it",
  (circuit) => {
    const { template, publicSignals } = instanceOf(circuit);
    const read = READERS[template] as (typeof READERS)[string];
    const [{ input }] = honestStatements(circuit) as [HonestStatement];
    const judge = judgeOf(input, publicSignals, read);
    expect(judge(new Map())).toEqual({ kind: "free", changed: [] });
    for (const name of ["stateRoot", "rho"])
      expect(judge(new Map([[name, element(input, name) + 1n]]))).toMatchObject({ kind: "false" });
    const values = flatten(input);
    for (const [name, value] of flatten(read(withValues(input, values)).hints))
      expect([name, values.get(name)]).toEqual([name, value]);
  },
);
