import { expect, test } from "vitest";
import type { LedgerEvent } from "../../protocol/ledgerHistory.ts";
import type { Deployed } from "../../services/chain/deployment.ts";
import { makeLedgerMirror } from "../../services/relayer/ledgerMirror.ts";

/** A chain of so many blocks on which block 7 + 30,000 k, k = 0, 1, … opened eight accounts, which fill a node. */
function longChain(height: number) {
  const asked: [from: number, to: number][] = [];
  let failing: number | undefined;
  const openings = (from: number, to: number): LedgerEvent[] => {
    const events: LedgerEvent[] = [];
    for (let block = 7; block <= Math.min(to, height); block += 30_000) {
      if (block < from) continue;
      for (let account = 0; account < 8; account++) {
        const leafIndex = BigInt(((block - 7) / 30_000) * 16 + 2 * account);
        const [commitment, accountTag] = [2n * leafIndex + 1n, 2n * leafIndex + 2n];
        events.push({ kind: "opened", commitment, accountTag, leafIndex, escrow: [] });
      }
    }
    return events;
  };
  const deployed = {
    deployment: { fromBlock: 5 },
    provider: { getBlock: async (number: number) => ({ hash: `hash ${number}` }) },
    chain: {
      async ledgerEvents(from: number, to: number) {
        asked.push([from, to]);
        if (asked.length === failing) throw new Error("the node is busy");
        return openings(from, to);
      },
    },
  } as unknown as Deployed;
  return {
    asked,
    head: { number: height, hash: `hash ${height}` },
    mirror: makeLedgerMirror(deployed, (question) => question()),
    /** The question with this number fails. */
    fail(question: number): void {
      failing = question;
    },
  };
}

test("a history that is longer than a node answers for at once is read in pieces, each once although one fails", async () => {
  const { asked, head, mirror, fail } = longChain(145_000);
  fail(4);
  await expect(mirror.update(head)).rejects.toThrow("the node is busy");
  expect(asked.at(-1)).toEqual([30_005, 40_004]);
  await mirror.update(head);
  // Nothing is said of the tree before all is read.
  expect(mirror.closed()).toEqual([]);
  mirror.compare({ tail: 80n, inserted: 0n });
  await mirror.update(head);
  expect(mirror.closed().map(({ nodeIndex }) => nodeIndex)).toEqual([0, 1, 2, 3, 4]);
  const read = asked.toSpliced(3, 1);
  expect(read[0]).toEqual([5, 10_004]);
  for (const [index, [from]] of read.slice(1).entries()) expect(from).toBe((read[index]?.[1] as number) + 1);
  expect(read.at(-1)?.[1]).toBe(head.number);
});
