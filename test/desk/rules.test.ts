import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NOTE_LEGS } from "../../protocol/constants.ts";
import { findInstrument } from "../../protocol/instrument.ts";
import { EMPTY_LEG } from "../../protocol/leg.ts";
import type { Note } from "../../protocol/note.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { formatTicket } from "../../protocol/tradeTicket.ts";
import { requireCapacity } from "../../services/desk/capacity.ts";
import type { DeskScope } from "../../services/desk/envelope.ts";
import { cardOf, identityOf } from "../../services/desk/identity.ts";
import { judgeRecord } from "../../services/desk/judgement.ts";
import {
  type Heard,
  hear,
  type MessageOf,
  quotedTicket,
  readMessage,
  say,
  spokenForm,
} from "../../services/desk/message.ts";
import { type PricingRule, priceOf } from "../../services/desk/pricing.ts";
import { openRecord, type RecordEvent } from "../../services/desk/record.ts";
import { shortSnapshot } from "../support/shortMarket.ts";
import { expectRule } from "./rule.ts";

/* What needs no chain: messages and their signatures, records and their judgement, prices and capacity. */

const [alder, birch, cedar] = [1, 2, 3].map((fill) => identityOf(Buffer.alloc(32, fill)));
const scope: DeskScope = { chainId: 31337n, ledger: `0x${"ab".repeat(20)}` };
const requestId = "0123456789abcdef".repeat(2);
const USD = 1_000_000n;

function request(maker = birch!): Heard<MessageOf<"request">> {
  return say(alder!.signing, scope, {
    kind: "request",
    ...{ to: maker.signing.key, requestId, answerBy: 1000 },
    legs: [{ id: "7", size: "-3" }],
    replyTo: alder!.replyBox(requestId).address,
  });
}

function quote(
  asked: Heard<MessageOf<"request">>,
  cash: bigint,
  maker = birch!,
  validUntil = 1010,
): Heard<MessageOf<"quote">> {
  const trade = { legs: [{ id: 7n, size: -3n }], cash, salt: 5n };
  return say(maker.signing, scope, {
    kind: "quote",
    ...{ to: alder!.signing.key, requestId, requestHash: asked.hash, validUntil },
    ticket: formatTicket({ ...scope, package: trade, deadline: 1300n }),
  });
}

describe("messages", () => {
  test("are heard by whom they were said to, as they were said", async () => {
    const asked = request();
    const text = spokenForm(asked);
    expect(hear(text, birch!.signing.key, scope)).toEqual(asked);
    await expectRule("desk.foreign", () => hear(text, cedar!.signing.key, scope));
    await expectRule("desk.foreign", () => hear(text, birch!.signing.key, { ...scope, chainId: 1n }));
    const elsewhere = { ...scope, ledger: `0x${"cd".repeat(20)}` };
    await expectRule("desk.foreign", () => hear(text, birch!.signing.key, elsewhere));
    const altered = JSON.stringify({ ...asked.signed, text: asked.signed.text.replace('"-3"', '"-4"') });
    await expectRule("desk.signature", () => hear(altered, birch!.signing.key, scope));
    const { signature } = request(cedar!).signed;
    await expectRule("desk.signature", () => readMessage({ ...asked.signed, signature }));
    await expectRule("desk.signature", () => readMessage({ ...asked.signed, signature: "" }));
    const impostor = asked.signed.text.replace(alder!.signing.key, cedar!.signing.key);
    await expectRule("desk.signature", () => readMessage({ ...asked.signed, text: impostor }));
    for (const malformed of ["", "{}", '{"text":1,"signature":""}', '{"text":"{}","signature":""}'])
      await expectRule("desk.message", () => hear(malformed, birch!.signing.key, scope));
    const more = { ...asked.content, more: 1 };
    await expectRule("desk.message", () => readMessage({ text: JSON.stringify(more), signature: "" }));
  });

  test("a quote binds its maker to the package that was asked for, of this maker, on this ledger", async () => {
    const asked = request();
    const said = quote(asked, 10n);
    expect(quotedTicket(asked, said)).toMatchObject({ package: { cash: 10n }, deadline: 1300n });
    await expectRule("desk.foreign", () => quotedTicket(request(cedar!), said));
    const otherRequest = say<MessageOf<"request">>(alder!.signing, scope, {
      ...asked.content,
      answerBy: 1001,
    });
    await expectRule("desk.foreign", () => quotedTicket(otherRequest, said));
    await expectRule("desk.foreign", () => quotedTicket(asked, quote(asked, 10n, cedar!)));
    const withTicket = (change: object): Heard<MessageOf<"quote">> => {
      const ticket = JSON.stringify({ ...JSON.parse(said.content.ticket), ...change });
      return { ...said, content: { ...said.content, ticket } };
    };
    for (const change of [
      { chainId: 1 },
      { ledger: `0x${"cd".repeat(20)}` },
      { legs: [{ id: "7", size: "3" }] },
      { legs: [{ id: "8", size: "-3" }] },
      {
        legs: [
          { id: "7", size: "-3" },
          { id: "8", size: "1" },
        ],
      },
      { deadline: 1010 },
    ])
      await expectRule("desk.ticket", () => quotedTicket(asked, withTicket(change)));
    await expectRule("ticket.format", () => quotedTicket(asked, withTicket({ more: 1 })));
  });
});

describe("records", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "solvus-record-"));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const [one, other] = [request(), request(cedar!)];
  const acceptanceOf = (taken: Heard<MessageOf<"quote">>): Heard =>
    say(alder!.signing, scope, {
      kind: "acceptance",
      ...{ to: taken.content.from, requestId, quoteHash: taken.hash },
    });
  const [low, high] = [quote(one, 100n), quote(other, 101n, cedar!)];
  const asking: RecordEvent = {
    event: "asking",
    requestId,
    makers: [birch!, cedar!].map((maker) => cardOf(maker)),
  };
  const story = (taken: Heard<MessageOf<"quote">>, quotes = [low, high]): RecordEvent[] => [
    asking,
    { event: "said", message: one.signed },
    { event: "said", message: other.signed },
    ...quotes.map(
      (heard): RecordEvent => ({
        event: "heard",
        message: heard.signed,
        atMarks: { epoch: "3", cash: "102" },
      }),
    ),
    { event: "said", message: acceptanceOf(taken).signed },
  ];
  /** Text of a record with these entries, at second 1005. */
  const written = (name: string, events: readonly RecordEvent[]): string => {
    const file = join(directory, name);
    const record = openRecord(file, alder!, scope, "taker");
    for (const event of events) record.append(1005, event);
    record.close();
    return readFileSync(file, "utf8");
  };

  test("show whether the best quote was taken", () => {
    const best = judgeRecord(written("best", story(high)));
    expect(best).toMatchObject({ owner: alder!.signing.key, role: "taker", entries: 7 });
    expect(best.requests).toMatchObject([
      {
        best: true,
        outcome: "open",
        quotes: [
          { cash: 100n, taken: false, atMarks: { epoch: 3n, cash: 102n } },
          { cash: 101n, taken: true },
        ],
      },
    ]);
    expect(judgeRecord(written("worse", story(low))).requests).toMatchObject([{ best: false }]);
    // A better quote that had expired, or was given up before, is no reproach.
    const expired = quote(other, 101n, cedar!, 1004);
    expect(judgeRecord(written("expired", story(low, [low, expired]))).requests[0]!.best).toBe(true);
    const passed: RecordEvent = { event: "passed", quoteHash: high.hash, rule: "transition.priceBand" };
    const events = story(low);
    events.splice(5, 0, passed);
    expect(judgeRecord(written("passed", events)).requests[0]!.best).toBe(true);
  });

  test("an entry altered, left out, put in, moved or signed by somebody else breaks them", async () => {
    const text = written("whole", story(high));
    const lines = text.trimEnd().split("\n");
    const joined = (changed: readonly string[]): string => `${changed.join("\n")}\n`;
    await expectRule("record.chain", () => judgeRecord(joined(lines.toSpliced(3, 1))));
    await expectRule("record.chain", () => judgeRecord(joined(lines.toSpliced(3, 0, lines[3]!))));
    await expectRule("record.chain", () =>
      judgeRecord(joined([...lines.slice(0, 3), lines[4]!, lines[3]!, ...lines.slice(5)])),
    );
    const altered = lines.with(4, lines[4]!.replace('"cash":"102"', '"cash":"101"'));
    expect(altered).not.toEqual(lines);
    await expectRule("record.chain", () => judgeRecord(joined(altered)));
    await expectRule("record.format", () => judgeRecord(text.slice(0, -10)));
    await expectRule("record.format", () => judgeRecord(""));
    await expectRule("record.format", () => judgeRecord(joined(lines.slice(1))));
    const foreign = lines.with(
      2,
      lines[2]!.replace(/"signature":"[^"]*"}$/, `"signature":"${JSON.parse(lines[3]!).signature}"}`),
    );
    await expectRule("record.signature", () => judgeRecord(joined(foreign)));
    // The end can be cut off unseen, unless a hash of it was shown before.
    const { head } = judgeRecord(text);
    expect(judgeRecord(text, head).entries).toBe(7);
    await expectRule("record.rewritten", () => judgeRecord(joined(lines.slice(0, -1)), head));
    // The owner cannot put words into others' mouths.
    const forged = { ...low.signed, text: low.signed.text.replace('\\"100\\"', '\\"500\\"') };
    expect(forged.text).not.toBe(low.signed.text);
    const lies = written("forged", [
      asking,
      { event: "said", message: one.signed },
      { event: "heard", message: forged },
    ]);
    await expectRule("desk.signature", () => judgeRecord(lies));
    const own = written("own", [asking, { event: "heard", message: one.signed }]);
    await expectRule("record.speaker", () => judgeRecord(own));
    const orphan = written("orphan", [{ event: "heard", message: low.signed }]);
    await expectRule("record.order", () => judgeRecord(orphan));
  });

  test("what a crash cut off is dropped, and the record goes on; others are kept out", async () => {
    const file = join(directory, "crash");
    const text = written("crash", story(high));
    writeFileSync(file, text.slice(0, -20));
    const record = openRecord(file, alder!, scope, "taker");
    expect(record.entries).toHaveLength(6);
    await expectRule("record.busy", () => openRecord(file, alder!, scope, "taker"));
    record.append(1006, { event: "said", message: acceptanceOf(high).signed });
    record.close();
    expect(judgeRecord(readFileSync(file, "utf8")).requests).toMatchObject([{ best: true }]);
    await expectRule("record.owner", () => openRecord(file, birch!, scope, "taker"));
    await expectRule("record.owner", () => openRecord(file, alder!, scope, "maker"));
    await expectRule("record.owner", () => openRecord(file, alder!, { ...scope, chainId: 1n }, "taker"));
  });
});

describe("a maker's prices", () => {
  let snapshot: MarketSnapshot;
  let perpetual: bigint;
  let mark: bigint;
  beforeAll(() => {
    snapshot = shortSnapshot();
    perpetual = findInstrument(snapshot.instruments, "BTC-PERPETUAL").id;
    const at = snapshot.tree.locate(perpetual)!;
    mark = snapshot.tree.row(at.underlying, at.place).mark;
  });
  const none: PricingRule["maxNotional"] = 1_000_000_000n * USD;
  const rule = (more: Partial<PricingRule> = {}): PricingRule => ({
    ...{ spreadBasisPoints: 10n, maxNotional: none, maxPosition: none },
    ...more,
  });
  const noteOf = (cash: bigint, size = 0n): Note => ({
    ...{ ownerKey: 1n, entity: 1n, rho: 1n, cash },
    legs: Array.from({ length: NOTE_LEGS }, (_, place) =>
      place === 0 && size !== 0n ? { id: perpetual, size, fundingIndex: 0n } : EMPTY_LEG,
    ),
  });

  test("are the marks and a spread, against the taker whichever way", () => {
    const holding = { legs: [], bound: [] };
    const buys = priceOf([{ id: perpetual, size: 10n }], snapshot, holding, rule());
    const sells = priceOf([{ id: perpetual, size: -10n }], snapshot, holding, rule());
    const spread = (10n * mark * 10n + 9_999n) / 10_000n;
    expect([buys, sells]).toEqual([-10n * mark - spread, 10n * mark - spread]);
  });

  test("end at their limits, to the lot, whatever else is taken", async () => {
    const legs = (size: bigint) => [{ id: perpetual, size }];
    const holding = (bound: bigint[], held = 0n) => ({
      legs: noteOf(0n, held).legs,
      bound: bound.map((size) => ({ legs: legs(size), cash: 0n, salt: 1n })),
    });
    const price = (size: bigint, more: Partial<PricingRule>, at = holding([])): unknown =>
      priceOf(legs(size), snapshot, at, rule(more));
    price(10n, { maxNotional: 10n * mark });
    await expectRule("desk.notional", () => price(10n, { maxNotional: 10n * mark - 1n }));
    price(-10n, { maxPosition: 10n * mark });
    await expectRule("desk.position", () => price(-10n, { maxPosition: 10n * mark - 1n }));
    // Bound to sell 5 and to buy 5: neither makes room for the other.
    price(5n, { maxPosition: 10n * mark }, holding([5n, -5n]));
    await expectRule("desk.position", () => price(6n, { maxPosition: 10n * mark }, holding([5n, -5n])));
    price(15n, { maxPosition: 10n * mark }, holding([], 5n));
    await expectRule("desk.position", () => price(-6n, { maxPosition: 10n * mark }, holding([], 5n)));
    await expectRule("desk.unlisted", () =>
      priceOf([{ id: 4_000_000_000n, size: 1n }], snapshot, holding([]), rule()),
    );
  });

  test("are given only for what the account can take, with or without each other quote", async () => {
    const trade = (size: bigint) => ({ legs: [{ id: perpetual, size }], cash: -size * mark, salt: 1n });
    const cash = 10_000n * USD;
    const fits = (bound: bigint[], size: bigint, cushion = 0n): void =>
      requireCapacity(noteOf(cash), snapshot, bound.map(trade), trade(size), { fee: 0n, cushion });
    let most = 1n;
    for (let step = 1n << 20n; step > 0n; step >>= 1n) {
      try {
        fits([], most + step);
        most += step;
      } catch {
        // More than the account can take.
      }
    }
    fits([], most);
    await expectRule("transition.initialMargin", () => fits([], most + 1n));
    // Initial margin of ten lots to spare: ten lots fewer, within one for rounding.
    const cushion = (cash / most) * 10n;
    fits([], most - 11n, cushion);
    await expectRule("desk.margin", () => fits([], most - 8n, cushion));
    const half = most / 2n;
    fits([half], half);
    await expectRule("transition.initialMargin", () => fits([half], most - half + 1n));
    // A quote the other way may not be taken: it makes no room.
    await expectRule("transition.initialMargin", () => fits([-most], most + 1n));
    await expectRule("desk.busy", () => fits([1n, 1n, 1n, 1n, 1n, 1n], 1n));
  });
});
