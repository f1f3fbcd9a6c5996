import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { formatTicket } from "../../protocol/tradeTicket.ts";
import { openEnvelope, sealEnvelope } from "../../services/desk/envelope.ts";
import type { BoxAddress } from "../../services/desk/identity.ts";
import { judgeRecord } from "../../services/desk/judgement.ts";
import { type MessageOf, say, spokenForm } from "../../services/desk/message.ts";
import { mailboxTests } from "./mailboxes.ts";
import { inquiryFor, makerParty, play, takerParty, timesLanded } from "./play.ts";
import { type DeskStage, FEE, type Owner, setDesk, USD } from "./stage.ts";

/* Requests, quotes and trades through the relayer's mailboxes. Tests build on one another; one chain and one store serve them all. */

let desk: DeskStage;
let alder: Owner;
let birch: Owner;
let cedar: Owner;
beforeAll(async () => {
  desk = await setDesk(3);
  [alder, birch, cedar] = desk.owners as [Owner, Owner, Owner];
});
afterEach(() => {
  desk.closeRecords();
  desk.relayer.away = false;
  desk.relayer.shallow = false;
});
afterAll(() => desk?.close());

mailboxTests(() => desk.store);

const PERPETUAL = "BTC-PERPETUAL";
const lotsOf = async (owner: Owner): Promise<bigint> => {
  const { id } = inquiryFor(desk, [], PERPETUAL, 1n).legs[0]!;
  return (await desk.accountOf(owner)).note.legs.find((leg) => leg.id === id)?.size ?? 0n;
};

test("the best of two firm quotes is taken, both halves land, and the relayer has seen nothing", async () => {
  const taker = takerParty(desk, alder);
  const dear = makerParty(desk, birch, { spreadBasisPoints: 20n });
  const cheap = makerParty(desk, cedar, { spreadBasisPoints: 5n });
  const before = await desk.accountOf(alder);
  desk.traffic.length = 0;
  const requestId = await taker.ask(inquiryFor(desk, [birch, cedar], PERPETUAL, 1000n));
  const rows: string[] = [];
  const result = await play(taker, [dear, cheap], requestId, async () => {
    for (const row of await desk.store.query("SELECT * FROM desk_envelope")) rows.push(JSON.stringify(row));
  });
  expect(result.outcome).toBe("landed");
  const [fromBirch, fromCedar] = result.answers;
  expect([fromBirch?.taken, fromCedar?.taken]).toEqual([false, true]);
  expect(fromCedar!.cash).toBeGreaterThan(fromBirch!.cash as bigint);
  const after = await desk.accountOf(alder);
  expect(after.note.cash - before.note.cash).toBe((fromCedar!.cash as bigint) - FEE);
  expect([await lotsOf(alder), await lotsOf(birch), await lotsOf(cedar)]).toEqual([1000n, 0n, -1000n]);
  expect(await timesLanded(desk, taker, requestId)).toBe(2);

  // What was said, and everything that it was about, is nowhere in what the relayer stored and was sent.
  const said = [...taker.role.book.record.entries, ...cheap.role.book.record.entries].flatMap((entry) =>
    "message" in entry ? [JSON.parse(entry.message.text)] : [],
  );
  const kinds = new Set(said.map(({ kind }) => kind));
  expect(kinds).toEqual(new Set(["request", "quote", "acceptance", "confirmation", "round"]));
  const quote = said.find(({ kind, from }) => kind === "quote" && from === cedar.identity.signing.key);
  const { salt, cash } = JSON.parse(quote.ticket);
  const secrets = [
    ...[alder, birch, cedar].map(({ identity }) => identity.signing.key),
    ...[alder.identity.box.address.mailbox, alder.identity.box.address.encryptionKey],
    ...[requestId, salt, cash, String(quote.validUntil), desk.stage.deployed.chain.ledger.toLowerCase()],
    ...["solvus-desk-message", "request", "quote", "ticket", "snapshotRoot", PERPETUAL],
  ];
  const plain = JSON.stringify(said).toLowerCase();
  for (const secret of secrets.slice(5, 12)) expect(plain).toContain(secret.toLowerCase());
  const seen = [...rows, ...desk.traffic];
  expect(rows.length).toBeGreaterThan(3);
  expect(desk.traffic.length).toBeGreaterThan(10);
  for (const text of seen) {
    const sealed = /"envelope":"([A-Za-z0-9+/=]+)"/.exec(text)?.[1];
    const bytes = Buffer.from(sealed ?? "", "base64");
    if (sealed !== undefined) expect(bytes.length).toBe(4096);
    const everything = `${text.replace(sealed ?? "", "")}${bytes.toString("latin1")}`.toLowerCase();
    for (const secret of secrets) expect(everything).not.toContain(secret.toLowerCase());
  }

  const judgement = judgeRecord(readFileSync(alder.file, "utf8"));
  expect(judgement.requests).toMatchObject([{ requestId, outcome: "landed", best: true }]);
  expect(judgement.requests[0]!.quotes.map(({ atMarks, cash }) => atMarks!.cash - cash)).toEqual([
    expect.any(BigInt),
    expect.any(BigInt),
  ]);
  expect(judgeRecord(readFileSync(cedar.file, "utf8")).requests).toMatchObject([{ outcome: "landed" }]);
  expect(judgeRecord(readFileSync(birch.file, "utf8")).requests).toMatchObject([{ outcome: "none" }]);
  await desk.writeQueue();
});

test("when the epoch rolls between the halves both prove again, and a half alone moves nothing", async () => {
  const taker = takerParty(desk, alder);
  const maker = makerParty(desk, birch);
  const requestId = await taker.ask(inquiryFor(desk, [birch], PERPETUAL, -500n));
  const held = await lotsOf(alder);
  let rolled = 0;
  const result = await play(taker, [], requestId, async () => {
    await maker.guarded(() => maker.role.correspond());
    // The maker proves two epochs late: the taker's half has expired meanwhile.
    const [conversation] = [...taker.role.book.conversations.values()].slice(-1);
    if (rolled < 2 && conversation?.submitted?.round === rolled + 1) {
      expect(await timesLanded(desk, taker, requestId)).toBe(0);
      expect(await lotsOf(alder)).toBe(held);
      await desk.local.advance(60);
      await desk.market.next({ prices: { BTC: 1.001 } });
      rolled += 1;
    }
    if (rolled === 2) await maker.guarded(() => maker.role.settle());
  });
  expect(result.outcome).toBe("landed");
  expect(taker.stages.filter((stage) => stage === "round")).toHaveLength(3);
  expect(await timesLanded(desk, taker, requestId)).toBe(2);
  expect([await lotsOf(alder), await lotsOf(birch)]).toEqual([500n, 500n]);
  const account = await desk.accountOf(alder);
  // Two stale halves cost nothing: one trade, one fee.
  expect(account.changes.filter((change) => change.as === "owner" && change.event.fee > 0n)).toHaveLength(2);
  await desk.writeQueue();
});

test("a maker that never proves costs the taker nothing: the ticket ends", async () => {
  const taker = takerParty(desk, alder);
  const maker = makerParty(desk, birch);
  const before = await desk.accountOf(alder);
  const requestId = await taker.ask(inquiryFor(desk, [birch], PERPETUAL, 100n));
  let roundsHeard = 0;
  const scope = desk.stage.deployed.chain;
  const result = await play(taker, [], requestId, async (turn) => {
    await maker.guarded(() => maker.role.correspond());
    const [conversation] = [...taker.role.book.conversations.values()].slice(-1);
    const last = conversation!.rounds.at(-1);
    if (turn === 8) {
      for (let number = 2; number < 8; number++) {
        const { to, quoteHash, snapshotRoot, relayer } = last!.content;
        const about = { to, requestId, quoteHash, snapshotRoot, relayer };
        const message = say(alder.identity.signing, scope, { kind: "round", number, ...about });
        const { mailbox } = birch.identity.box.address;
        await desk.post.put(
          mailbox,
          await sealEnvelope(birch.identity.box.address, scope, spokenForm(message)),
        );
      }
    }
    if (turn === 10) {
      roundsHeard = maker.role.book.quoted.get(last!.content.quoteHash)!.rounds.length;
      await desk.local.advance(500);
    }
  });
  expect(result.outcome).toBe("lapsed");
  // Rounds without end would cost the maker a proof each: it hears three on one snapshot.
  expect(roundsHeard).toBe(3);
  expect(await desk.accountOf(alder)).toMatchObject({ leafIndex: before.leafIndex });
  await maker.turn();
  expect(judgeRecord(readFileSync(birch.file, "utf8")).requests.at(-1)).toMatchObject({ outcome: "lapsed" });
  await desk.writeQueue();
});

test("a relayer that is away is waited for; one that forgot is told again", async () => {
  const taker = takerParty(desk, alder);
  const maker = makerParty(desk, birch);
  const requestId = await taker.ask(inquiryFor(desk, [birch], PERPETUAL, 100n));
  const stopped = taker.role.pursue(requestId, AbortSignal.abort());
  await expect(stopped).rejects.toMatchObject({ rule: "desk.stopped" });
  let forgotten = false;
  const result = await play(taker, [], requestId, async (turn) => {
    desk.relayer.away = turn < 4;
    await maker.guarded(() => maker.role.correspond());
    if (taker.stages.includes("submitted") && !forgotten) {
      desk.relayer.forget();
      await desk.market.next();
      forgotten = true;
    } else if (forgotten) await maker.guarded(() => maker.role.settle());
  });
  expect(maker.delays).toBeGreaterThan(0);
  expect(taker.stages.filter((stage) => stage === "round")).toHaveLength(2);
  expect(result.outcome).toBe("landed");
  expect(await timesLanded(desk, taker, requestId)).toBe(2);
  await desk.writeQueue();
});

test.for([
  ["taker", "submitted"],
  ["maker", "proven"],
])("a %s that falls at stage %s trades once, after starting again", async ([who, stage]) => {
  const taker = takerParty(desk, alder);
  const maker = makerParty(desk, birch);
  (who === "taker" ? taker : maker).fallAt = stage!;
  const held = await lotsOf(alder);
  const requestId = await taker.ask(inquiryFor(desk, [birch], PERPETUAL, 10n));
  desk.relayer.shallow = true;
  let seen = 0;
  const result = await play(taker, [maker], requestId, async () => {
    // While the block may be replaced, nobody writes down that the trade is made.
    if ((await timesLanded(desk, taker, requestId)) > 0) seen += 1;
    desk.relayer.shallow = seen < 3;
  });
  expect(seen).toBeGreaterThanOrEqual(3);
  expect(taker.restarts + maker.restarts).toBe(1);
  expect(result.outcome).toBe("landed");
  expect(await timesLanded(desk, taker, requestId)).toBe(2);
  expect(await lotsOf(alder)).toBe(held + 10n);
  expect(judgeRecord(readFileSync(alder.file, "utf8")).requests.at(-1)).toMatchObject({ best: true });
  await desk.writeQueue();
});

test("a relayer that calls no block final keeps nobody beyond the ticket's end", async () => {
  const taker = takerParty(desk, alder);
  const maker = makerParty(desk, birch);
  const requestId = await taker.ask(inquiryFor(desk, [birch], PERPETUAL, 10n));
  desk.relayer.shallow = true;
  let before: unknown;
  const result = await play(taker, [maker], requestId, async (turn) => {
    if (turn !== 12) return;
    expect(await timesLanded(desk, taker, requestId)).toBe(2);
    before = [...taker.role.book.conversations.values()].at(-1)!.end;
    await desk.local.advance(1_000);
  });
  expect(before).toBeUndefined();
  expect(result.outcome).toBe("landed");
  await desk.writeQueue();
});

test("an acceptance that comes too late is refused, and the next best quote is taken", async () => {
  const taker = takerParty(desk, alder);
  const short = makerParty(desk, cedar, { quoteSeconds: 40, spreadBasisPoints: 1n });
  const long = makerParty(desk, birch, { quoteSeconds: 200 });
  const requestId = await taker.ask(inquiryFor(desk, [birch, cedar], PERPETUAL, 10n));
  const result = await play(taker, [long], requestId, async () => {
    if (taker.stages.filter((stage) => stage === "accepted").length === 1) await desk.local.advance(41);
    await short.guarded(() => short.role.correspond());
  });
  expect(result).toMatchObject({
    outcome: "landed",
    answers: [{ taken: true }, { rule: "desk.expired", taken: false }],
  });
  const stages = taker.stages.filter((stage) => stage === "accepted" || stage === "proving");
  expect(stages).toEqual(["accepted", "accepted", "proving"]);
  const [judged] = judgeRecord(readFileSync(alder.file, "utf8")).requests.slice(-1);
  expect(judged).toMatchObject({ requestId, best: true, outcome: "landed" });
  await desk.writeQueue();
});

test("quotes that are altered, foreign, replayed or expired are refused; an honest one is taken, once", async () => {
  const { post } = desk;
  const scope = desk.stage.deployed.chain;
  const taker = takerParty(desk, alder);
  const maker = makerParty(desk, birch);
  const { book } = taker.role;
  const { quote: former, ticket: formerTicket } = [...book.conversations.values()].at(-1)!;
  const requestId = await taker.ask(inquiryFor(desk, [birch], PERPETUAL, 10n));
  const { request } = [...book.conversations.values()].at(-1)!;
  const reply = request.content.replyTo;
  const now = await desk.local.now();
  const send = async (to: BoxAddress, text: string): Promise<void> =>
    post.put(to.mailbox, await sealEnvelope(to, scope, text));
  const offer = (
    owner: Owner,
    cash: bigint,
    more: { validUntil?: number; legs?: bigint; salt?: bigint } = {},
  ) => {
    const { validUntil = now + 200, salt = 9n } = more;
    const legs = request.content.legs.map(({ id, size }) => ({
      id: BigInt(id),
      size: more.legs ?? BigInt(size),
    }));
    const ticket = { ...scope, package: { legs, cash, salt }, deadline: BigInt(validUntil + 300) };
    return say<MessageOf<"quote">>(owner.identity.signing, scope, {
      kind: "quote",
      ...{ to: alder.identity.signing.key, requestId, requestHash: request.hash, validUntil },
      ticket: formatTicket(ticket),
    });
  };
  // None of these may come in the honest maker's way, who quotes below all of them.
  const good = 10n ** 12n;
  const { signed } = offer(birch, good);
  await send(reply, JSON.stringify({ ...signed, text: signed.text.replace(String(good), `${good}0`) }));
  await send(reply, spokenForm(offer(cedar, good)));
  await send(reply, spokenForm(former!));
  await send(reply, spokenForm(offer(birch, good, { validUntil: now - 1 })));
  await send(reply, spokenForm(offer(birch, good, { legs: 1n })));
  await send(reply, spokenForm(offer(birch, good, { salt: formerTicket!.package.salt })));
  await post.put(reply.mailbox, Buffer.alloc(4096, 1));
  await taker.role.step(requestId);
  expect([...book.conversations.values()].at(-1)!.quote).toBeUndefined();
  await maker.turn();
  const [stored] = await post.read(alder.identity.replyBox(requestId));
  // The relayer delivers the honest quote twice, and once more in another envelope.
  await taker.role.step(requestId);
  await post.put(reply.mailbox, stored!.envelope);
  await send(reply, await openEnvelope(alder.identity.replyBox(requestId), scope, stored!.envelope));
  // Its maker thinks again: the first word stands.
  await send(reply, spokenForm(offer(birch, good)));
  const { acceptance, quote } = [...book.conversations.values()].at(-1)!;
  // Somebody else takes it, and the taker's acceptance is delivered again and again.
  const about = { to: birch.identity.signing.key, requestId, quoteHash: quote!.hash };
  const foreign = say(cedar.identity.signing, scope, { kind: "acceptance", ...about });
  await send(birch.identity.box.address, spokenForm(foreign));
  for (let time = 0; time < 3; time++) await send(birch.identity.box.address, spokenForm(acceptance!));
  const result = await play(taker, [maker], requestId);
  expect(result).toMatchObject({ outcome: "landed", answers: [{ taken: true }] });
  expect(result.answers[0]!.cash).toBeLessThan(0n);
  for (let time = 0; time < 2; time++) {
    await send(birch.identity.box.address, spokenForm(acceptance!));
    await maker.turn();
    await taker.role.step(requestId);
  }
  expect(await timesLanded(desk, taker, requestId)).toBe(2);
  const events = taker.role.book.record.entries.slice(-40);
  const rules = events.flatMap((entry) => (entry.event === "refused" ? [entry.rule] : []));
  // What was not signed, or is of somebody who was not asked, is not even written down.
  expect(rules).toEqual(["desk.expired", "desk.ticket", "desk.ticket", "desk.replayed"]);
  const kept = maker.role.book.record.entries.map((entry) => entry.event === "heard" && entry.message.text);
  expect(kept.filter((text) => text === acceptance!.signed.text)).toHaveLength(1);
  expect(kept).not.toContain(foreign.signed.text);
  await desk.writeQueue();
});

test("a maker hears sixty requests a minute, and forgets the rest", async () => {
  const maker = makerParty(desk, birch);
  const { box } = birch.identity;
  const scope = desk.stage.deployed.chain;
  const answerBy = (await desk.local.now()) + 300;
  const ask = async (number: number): Promise<void> => {
    const requestId = String(number).padStart(32, "0");
    const message = say<MessageOf<"request">>(cedar.identity.signing, scope, {
      ...{ kind: "request", to: birch.identity.signing.key, requestId, answerBy },
      legs: [{ id: "1", size: "1" }],
      replyTo: cedar.identity.replyBox(requestId).address,
    });
    await desk.post.put(box.address.mailbox, await sealEnvelope(box.address, scope, spokenForm(message)));
  };
  const before = maker.role.book.conversations.size;
  for (let number = 0; number < 63; number++) await ask(number);
  await maker.guarded(() => maker.role.correspond());
  expect(maker.role.book.conversations.size - before).toBe(60);
  await desk.local.advance(61);
  await ask(63);
  await maker.guarded(() => maker.role.correspond());
  expect(maker.role.book.conversations.size - before).toBe(61);
});

test("nothing below the worst price is taken, and a maker quotes only what it could honour", async () => {
  const taker = takerParty(desk, alder);
  const maker = makerParty(desk, birch, { cushion: 199_000n * USD });
  const worst = -1n;
  const dear = await taker.ask(inquiryFor(desk, [cedar], PERPETUAL, 1000n, { worst }));
  const other = makerParty(desk, cedar);
  expect(await play(taker, [other], dear)).toMatchObject({ outcome: "ended", rule: "desk.noQuote" });
  expect(taker.stages).not.toContain("accepted");
  const large = await taker.ask(inquiryFor(desk, [birch], PERPETUAL, 1000n));
  const result = await play(taker, [maker], large);
  expect(result).toMatchObject({ outcome: "ended", answers: [{ rule: "desk.declined", taken: false }] });
});
