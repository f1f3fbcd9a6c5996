import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Transition } from "../../contracts/statements.ts";
import { changing, onChange, recordChanges } from "../../services/relayer/changes.ts";
import { end } from "../../services/relayer/refusals.ts";
import {
  addSubmission,
  changesAfter,
  countsByState,
  type Item,
  latestSequence,
  queueAgeMs,
  submissionId,
  submissionOf,
} from "../../services/relayer/submissions.ts";
import type { Store } from "../../services/store/store.ts";
import { anyProof, randomElement } from "../support/ledgerFixture.ts";
import { temporaryStore } from "../support/storeFixture.ts";
import { admissionCases } from "./admissionCases.ts";
import { someTransition } from "./someTransition.ts";

const NOBODY = "0x0000000000000000000000000000000000000000";
const SOMEBODY = "0x0000000000000000000000000000000000000001";

let store: Store;

beforeAll(async () => {
  store = await temporaryStore();
});
afterEach(async () => {
  await store.query("TRUNCATE submission, submission_change, outgoing_item");
});
afterAll(() => store.close());

const asItem = (given: Transition): Item => ({ kind: "transition", transition: given });

admissionCases(() => store);

describe("a submission's id", () => {
  const given = someTransition();
  const id = submissionId(asItem(given));

  test("does not depend on proof, payer's signature and how addresses are written", () => {
    const others = [
      { ...given, proof: anyProof() },
      { ...given, payerSignature: "0x1234" },
      { ...given, terms: { ...given.terms, relayer: NOBODY.toUpperCase().replace("0X", "0x") } },
    ];
    expect(others.map((other) => submissionId(asItem(other)))).toEqual([id, id, id]);
  });

  test("depends on every signal and every term", () => {
    const signals = Object.entries(given.signals).map(([name, value]) =>
      submissionId(
        asItem({
          ...given,
          signals: {
            ...given.signals,
            [name]: Array.isArray(value) ? [value[1], value[0]] : (value as bigint) + 1n,
          },
        }),
      ),
    );
    const terms = (["payer", "recipient", "relayer"] as const).map((name) =>
      submissionId(asItem({ ...given, terms: { ...given.terms, [name]: SOMEBODY } })),
    );
    const later = submissionId(asItem({ ...given, terms: { ...given.terms, deadline: 5n } }));
    const tier = submissionId(asItem({ ...given, tier: 1n }));
    const ids = [id, ...signals, ...terms, later, tier];
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("handing in", () => {
  test("stores the item as it is, once", async () => {
    const item = asItem(someTransition());
    const first = await addSubmission(store, item);
    const again = await addSubmission(
      store,
      asItem({ ...(item as { transition: Transition }).transition, proof: anyProof() }),
    );
    expect([first.isNew, again.isNew]).toEqual([true, false]);
    expect(again.submission).toEqual(first.submission);
    expect(again.submission).toMatchObject({
      item,
      state: "queued",
      deadline: 2n ** 64n - 1n,
      kind: "transition",
    });
    expect(await countsByState(store)).toMatchObject({ queued: 1, waiting: 0, final: 0 });
    expect(await queueAgeMs(store)).toBeGreaterThanOrEqual(0);
  });

  test("at the same time from many sides is once too", async () => {
    const item = asItem(someTransition());
    const answers = await Promise.all(Array.from({ length: 20 }, () => addSubmission(store, item)));
    expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1);
  });

  test("what was refused starts again, with the proof given now", async () => {
    const bad = someTransition();
    const { id } = (await addSubmission(store, asItem(bad))).submission;
    await changing(store, async (sql) => {
      await end(sql, id, "refused", { rule: "ledger.ProofRejected", message: "circuit is 1" });
      await recordChanges(sql, [id]);
    });
    expect(await submissionOf(store, id)).toMatchObject({
      state: "refused",
      refusal: { rule: "ledger.ProofRejected", message: "circuit is 1" },
    });
    const good = { ...bad, proof: anyProof() };
    const { submission, isNew } = await addSubmission(store, asItem(good));
    expect(isNew).toBe(true);
    expect(submission).toMatchObject({ id, state: "queued", item: { transition: good } });
    expect(submission.refusal).toBeUndefined();
  });

  test("both sides of many trades at once pairs each with its own", async () => {
    const tags = Array.from({ length: 10 }, randomElement);
    const sides = tags.flatMap((tradeTag) => [0n, 1n].map((side) => someTransition({ tradeTag, side })));
    const answers = await Promise.all(sides.map((side) => addSubmission(store, asItem(side))));
    expect(await countsByState(store)).toMatchObject({ queued: 20, waiting: 0 });
    const rows = await store.query<{ id: string; partner: string; trade_tag: string }>(
      "SELECT one.id, one.partner, one.trade_tag FROM submission one JOIN submission other ON other.id = one.partner AND other.partner = one.id AND other.trade_tag = one.trade_tag",
    );
    expect(new Set(rows.map(({ id }) => id))).toEqual(
      new Set(answers.map(({ submission }) => submission.id)),
    );
  });
});

describe("changes", () => {
  test("have ascending numbers, from which a reader goes on without missing one", async () => {
    const before = await latestSequence(store);
    const ids = [];
    for (let index = 0; index < 5; index++)
      ids.push((await addSubmission(store, asItem(someTransition()))).submission.id);
    const first = await changesAfter(store, before, 2);
    const rest = await changesAfter(store, first.at(-1)?.sequence as bigint, 100);
    expect([...first, ...rest].map(({ id }) => id)).toEqual(ids);
    const own = await changesAfter(store, before, 100, ids[3]);
    expect(own).toMatchObject([{ id: ids[3], state: "queued", sequence: rest[1]?.sequence }]);
    expect(await latestSequence(store)).toBe(rest.at(-1)?.sequence);
  });

  test("that change nothing are not recorded", async () => {
    const { id } = (await addSubmission(store, asItem(someTransition()))).submission;
    const before = await latestSequence(store);
    await changing(store, (sql) => recordChanges(sql, [id, id]));
    expect(await latestSequence(store)).toBe(before);
  });

  test("are told to listeners, also those that another process made", async () => {
    let told = 0;
    const end = onChange(store, () => told++);
    const { id } = (await addSubmission(store, asItem(someTransition()))).submission;
    expect(told).toBe(1);
    await pause(50);
    await store.query(
      "INSERT INTO submission_change (sequence, submission, state) VALUES (nextval('submission_sequence'), $1, 'sent')",
      [id],
    );
    await expect.poll(() => told, { timeout: 3_000 }).toBe(2);
    end();
    await addSubmission(store, asItem(someTransition()));
    expect(told).toBe(2);
  });
});
