import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findInstrument } from "../../protocol/instrument.ts";
import { cardOf } from "../../services/desk/identity.ts";
import { readRecord } from "../../services/desk/record.ts";
import { type DeskStage, FEE, type Owner, setDesk } from "./stage.ts";

/* Requests, quotes and trades through the relayer's mailboxes. Tests build on one another. */

let desk: DeskStage;
let alder: Owner;
let birch: Owner;
let cedar: Owner;
beforeAll(async () => {
  desk = await setDesk(3);
  [alder, birch, cedar] = desk.owners as [Owner, Owner, Owner];
});
afterAll(() => desk?.close());

const idOf = (name: string): bigint => findInstrument(desk.market.snapshot.instruments, name).id;

test("the best of two firm quotes is taken, and both halves land together", async () => {
  const taker = desk.taker(alder);
  const dear = desk.maker(birch, { spreadBasisPoints: 20n });
  const cheap = desk.maker(cedar, { spreadBasisPoints: 5n });
  const makers = [cardOf(birch.identity), cardOf(cedar.identity)];
  const legs = [{ id: idOf("BTC-PERPETUAL"), size: 1000n }];
  const requestId = await taker.ask({ makers, legs, answerSeconds: 20 });
  const marks = await desk.accountOf(alder);
  for (let turn = 0; turn < 12; turn++) {
    for (const maker of [dear, cheap]) {
      await maker.correspond();
      await maker.settle();
    }
    if (await taker.step(requestId)) break;
  }
  const result = await taker.pursue(requestId);
  expect(result.outcome).toBe("landed");
  const [fromBirch, fromCedar] = result.answers;
  expect(fromCedar).toMatchObject({ taken: true });
  expect(fromBirch).toMatchObject({ taken: false });
  expect(fromCedar!.cash).toBeGreaterThan(fromBirch!.cash as bigint);
  const after = await desk.accountOf(alder);
  expect(after.note.cash - marks.note.cash).toBe((fromCedar!.cash as bigint) - FEE);
  expect(after.note.legs.find(({ id }) => id === legs[0]!.id)?.size).toBe(1000n);
  expect((await desk.accountOf(cedar)).note.legs.find(({ id }) => id === legs[0]!.id)?.size).toBe(-1000n);
  await cheap.settle();
  for (const one of [taker, dear, cheap]) one.close();
  expect(readRecord(readFileSync(cedar.file, "utf8")).entries.at(-1)?.event).toBe("landed");
});
