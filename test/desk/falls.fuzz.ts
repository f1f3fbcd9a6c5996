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
beforeAll(async () => {
  desk = await setDesk(2);
  [alder, birch] = desk.owners as [Owner, Owner];
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
