import { describe, expect, test } from "vitest";
import { NOBODY } from "../../contracts/signing.ts";
import type { Opening } from "../../contracts/statements.ts";
import { makeAdmission } from "../../services/relayer/admission.ts";
import { makeGate } from "../../services/relayer/gate.ts";
import type { Item } from "../../services/relayer/items.ts";
import type { Store } from "../../services/store/store.ts";
import { anyProof, randomElement } from "../support/ledgerFixture.ts";
import { someTransition } from "./someTransition.ts";

/* What may be let in at once, though there is not room for all of it. */

const opening = (): Opening => ({
  proof: anyProof(),
  signals: {
    ...{ stateRoot: 1n, registryRoot: 0n, epoch: 1n, commitment: randomElement() },
    ...{ accountTag: randomElement(), escrow: [1n, 2n, 3n, 4n, 5n] },
  },
  terms: { payer: NOBODY, recipient: NOBODY, relayer: NOBODY, deadline: 2n ** 63n },
});

/** Outcomes of items that are handed in at once to a relayer that finds each good by itself: how many are stored, and the rules of the rest. */
async function atOnce(store: Store, items: readonly Item[], openingsPerHour: number) {
  const admission = makeAdmission({
    ...{ store, relayer: `0x${"22".repeat(20)}`, openingsPerHour },
    deployed: { provider: { getBlockNumber: async () => 1 } } as never,
    quotes: { current: async () => undefined as never, least: async () => 0n },
    chain: { state: async () => undefined, whole: async () => undefined },
    verify: async () => true,
    gate: makeGate({ atOnce: 8, waiting: 500, waitSeconds: 10 }),
  });
  const outcomes = await Promise.allSettled(items.map((item) => admission.admit(item)));
  const rules = outcomes.flatMap((one) => (one.status === "rejected" ? [one.reason.rule as string] : []));
  return { stored: items.length - rules.length, rules: [...new Set(rules)] };
}

/** On a store without submissions. */
export function admissionCases(storeOf: () => Store): void {
  describe("what is handed in at once", () => {
    test("openings that are handed in together are not more than the relayer pays for", async () => {
      const items = Array.from({ length: 24 }, (): Item => ({ kind: "opening", opening: opening() }));
      expect(await atOnce(storeOf(), items, 5)).toEqual({ stored: 5, rules: ["relayer.openings"] });
    });

    test("items of one note that are handed in together are not more than there is room for", async () => {
      const items = Array.from({ length: 24 }, (_, place): Item => {
        const transition = someTransition({ nullifier: 77n, commitment: BigInt(place) });
        return { kind: "transition", transition };
      });
      expect(await atOnce(storeOf(), items, 0)).toEqual({ stored: 16, rules: ["relayer.crowded"] });
    });

    test("one opening with several proofs at once is one, and takes one place", async () => {
      const one = opening();
      const items = Array.from({ length: 6 }, (): Item => {
        return { kind: "opening", opening: { ...one, proof: anyProof() } };
      });
      expect(await atOnce(storeOf(), items, 1)).toEqual({ stored: 6, rules: [] });
      expect(await storeOf().query("SELECT id FROM submission")).toHaveLength(1);
    });
  });
}
