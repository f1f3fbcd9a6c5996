import { expect, test } from "vitest";
import { poseidon } from "../../protocol/poseidon.ts";
import { loadTemplate } from "./circuit.ts";

test("reads constraints, witness and refusals of a template", async () => {
  const bits = await loadTemplate("node_modules/circomlib/circuits/bitify.circom", "Num2Bits", [4], ["in"]);
  expect(await bits.refusedBy({ in: 15n })).toBeUndefined();
  expect(await bits.refusedBy({ in: 16n })).toBe("Num2Bits");
  const witness = await bits.witness({ in: 5n });
  expect(bits.violations(witness)).toEqual([]);
  expect(bits.violations(bits.set(witness, "main.out[1]", 1n)).length).toBeGreaterThan(0);
  expect(bits.violations(bits.set(witness, "main.out[1]", 2n)).join()).toContain("Num2Bits at main");
});

test("Poseidon of the circuits is Poseidon of the model", async () => {
  const hash = await loadTemplate("circuits/lib/hash.circom", "Hash", [7, 3]);
  const witness = await hash.witness({ in: [1n, 2n, -3n] });
  expect(hash.get(witness, "main.out")).toBe(poseidon(7n, [1n, 2n, -3n]));
  expect(hash.violations(hash.set(witness, "main.out", 1n))[0]).toContain("HashMany");
});

test("names the line that refuses", async () => {
  const bits = await loadTemplate("node_modules/circomlib/circuits/bitify.circom", "Num2Bits", [4], ["in"]);
  expect(await bits.refusedAt({ in: 16n })).toBe("lc1 === in;");
  expect(await bits.refusedAt({ in: 15n })).toBeUndefined();
});
