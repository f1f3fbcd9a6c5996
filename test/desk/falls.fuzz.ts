import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { findInstrument } from "../../protocol/instrument.ts";
import { judgeRecord } from "../../services/desk/judgement.ts";
import { inquiryFor, makerParty, play, takerParty, timesLanded } from "./play.ts";
import { type DeskStage, type Owner, setDesk } from "./stage.ts";

/* Taker and maker fall at every stage of a trade, alone and together, and start again: each trade is made once, all of it. */

let desk: DeskStage;
let alder: Owner;
let birch: Owner;
let cedar: Owner;
beforeAll(async () => {
  desk = await setDesk(3);
  [alder, birch, cedar] = desk.owners as [Owner, Owner, Owner];
});
afterEach(() => desk.closeRecords());
afterAll(() => desk?.close());

const TAKER = [
  "asked",
  "quoted",
  "accepted",
  "confirmed",
  "round",
  "proving",
  "proven",
  "submitted",
  "landed",
];
const MAKER = ["quoted", "taken", "confirmed", "round", "proving", "proven", "submitted", "landed"];
const pairs = [
  ...TAKER.map((stage) => [stage, undefined]),
  ...MAKER.map((stage) => [undefined, stage]),
  ...TAKER.map((stage, place) => [stage, MAKER[(place * 3) % MAKER.length]]),
];

test.for(pairs)("the taker falls at %s, the maker at %s", async ([takerStage, makerStage]) => {
  const taker = takerParty(desk, alder);
  const maker = makerParty(desk, birch);
  if (takerStage !== undefined) taker.fallAt = takerStage;
  if (makerStage !== undefined) maker.fallAt = makerStage;
  const { id } = findInstrument(desk.market.snapshot.instruments, "BTC-PERPETUAL");
  const lots = async (owner: Owner): Promise<bigint> =>
    (await desk.accountOf(owner)).note.legs.find((leg) => leg.id === id)?.size ?? 0n;
  const held = await lots(alder);
  const requestId = await taker.ask(inquiryFor(desk, [birch], "BTC-PERPETUAL", 10n));
  const result = await play(taker, [maker], requestId);
  const falls = (takerStage === undefined ? 0 : 1) + (makerStage === undefined ? 0 : 1);
  expect(taker.restarts + maker.restarts).toBe(falls);
  expect(result.outcome).toBe("landed");
  expect(await timesLanded(desk, taker, requestId)).toBe(2);
  expect([await lots(alder), await lots(birch)]).toEqual([held + 10n, -held - 10n]);
  expect(judgeRecord(readFileSync(alder.file, "utf8")).requests.at(-1)).toMatchObject({ best: true });
  expect(judgeRecord(readFileSync(birch.file, "utf8")).requests.at(-1)).toMatchObject({ outcome: "landed" });
  await desk.writeQueue();
});

test("a maker that two take at once trades with both, one after the other", async () => {
  const maker = makerParty(desk, birch, { settleSeconds: 3000 });
  const takers = [takerParty(desk, alder), takerParty(desk, cedar)];
  const requests: string[] = [];
  for (const taker of takers) requests.push(await taker.ask(inquiryFor(desk, [birch], "BTC-PERPETUAL", 10n)));
  const over = [false, false];
  for (let turn = 0; turn < 60 && over.includes(false); turn++) {
    await maker.turn();
    for (const [place, taker] of takers.entries())
      over[place] ||= (await taker.guarded(() => taker.role.step(requests[place]!))) === true;
    // Whoever was first has spent the maker's note; the next one is in the tree after a while.
    if (turn % 10 === 9) await desk.writeQueue();
  }
  for (const [place, taker] of takers.entries()) {
    expect(await taker.role.pursue(requests[place]!)).toMatchObject({ outcome: "landed" });
    expect(await timesLanded(desk, taker, requests[place]!)).toBe(2);
  }
  await maker.turn();
  const outcomes = judgeRecord(readFileSync(birch.file, "utf8")).requests.slice(-2);
  expect(outcomes).toMatchObject([{ outcome: "landed" }, { outcome: "landed" }]);
});
