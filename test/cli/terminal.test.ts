import { expect, test } from "vitest";
import { judgementText } from "../../cli/desk/text.ts";
import { failureOf } from "../../cli/exitCode.ts";
import { plain } from "../../cli/plainText.ts";
import { table } from "../../cli/table.ts";
import { readableLog } from "../../cli/up/readableLog.ts";
import { SolvusError } from "../../protocol/errors.ts";
import type { Judgement } from "../../services/desk/judgement.ts";
import { verifyAttestation } from "../../verifier/attestation.ts";

/* What others wrote is shown, and never obeyed, by a terminal. */

/** Clears the screen, writes a verdict of its own, and hides what follows. */
const SPOOF = "x\u001b[2J\n\nAccepted at block 5.\u001b[8m\u009b8m\u202e";

const lines = (text: string): string[] => text.split("\n");
const obeyed = (text: string): boolean => plain(text) !== text;

test("a field of an attestation writes no verdict of its own and hides none", async () => {
  const chain = {
    ...{ chainId: 1n, ledger: `0x${"11".repeat(20)}` },
    blockNumber: async () => 7,
    ledgerEvents: async () => [],
  };
  const numbers = Object.fromEntries(
    ["stateRoot", "snapshotRoot", "nullifier", "leafIndex", "ratio", "excess", "entity", "context"].map(
      (name) => [name, "1"],
    ),
  );
  const text = JSON.stringify({
    ...{ format: "solvus-attestation", version: 1, chainId: "1", ledger: chain.ledger },
    ...{ circuit: "solvency.small", publicSignals: numbers, proof: Array(8).fill("1") },
    [SPOOF]: 1,
  });
  const { checks } = await verifyAttestation(text, chain as never, { challenge: 1n, entity: 1n });
  const shown = table(
    ["check", "found"],
    checks.map(({ name, found }) => [name, found]),
  );
  expect(lines(shown)).toHaveLength(2 + checks.length);
  expect(lines(shown).filter((line) => line.startsWith("Accepted"))).toEqual([]);
  expect(obeyed(shown)).toBe(false);
});

test("a reason in a record of the desk writes no judgement of its own", () => {
  const judgement: Judgement = {
    ...{ owner: "o", role: "taker", chainId: 1, ledger: "0x", entries: 1, head: "h" },
    requests: [
      {
        ...{ requestId: "r", askedAt: 0, taker: "t", legs: [], outcome: "none" },
        quotes: [{ maker: "m", cash: 1n, heardAt: 0, validUntil: 0, taken: false, rule: SPOOF }],
        declined: [{ maker: "m", rule: SPOOF }],
      },
    ],
  };
  const text = judgementText(judgement);
  expect(lines(text).filter((line) => line.startsWith("Accepted"))).toEqual([]);
  expect(obeyed(text)).toBe(false);
});

test("a relayer's reason is one line, and a log's text is text", () => {
  const { rule, message } = failureOf(new SolvusError(`a.${SPOOF}`, `b ${SPOOF}`));
  for (const told of [rule, message]) {
    expect(lines(told)).toHaveLength(1);
    expect(obeyed(told)).toBe(false);
  }
  const told = readableLog(4, false);
  const msg = "a\\u001b \u001b[2J \u009b8m \u202e";
  expect(obeyed(told("one", JSON.stringify({ level: 30, time: 0, msg })))).toBe(false);
  expect(obeyed(told("one", "not JSON \u001b[2J"))).toBe(false);
});
