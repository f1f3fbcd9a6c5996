import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getAddress } from "ethers";
import { expect, test } from "vitest";
import { SolvusError } from "../../protocol/errors.ts";
import { findInstrument } from "../../protocol/instrument.ts";
import { emptyNote } from "../../protocol/note.ts";
import { sealEnvelope } from "../../services/desk/envelope.ts";
import { cardOf, identityOf } from "../../services/desk/identity.ts";
import { type MakerConfig, makeMaker } from "../../services/desk/maker.ts";
import { type MessageOf, say, spokenForm } from "../../services/desk/message.ts";
import type { Post } from "../../services/desk/post.ts";
import { openRecord } from "../../services/desk/record.ts";
import { makeTaker, type TakerConfig } from "../../services/desk/taker.ts";
import { shortSnapshot } from "../support/shortMarket.ts";
import { log, RULES } from "./stage.ts";

const [maker, taker] = [1, 2].map((fill) => identityOf(Buffer.alloc(32, fill)));
const scope = { chainId: 31337n, ledger: `0x${"ab".repeat(20)}` };
const START = 1_600_000_000;

test("a maker that was asked cannot fill the taker's record", async () => {
  const directory = mkdtempSync(join(tmpdir(), "solvus-taker-"));
  const record = openRecord(join(directory, "taker.jsonl"), taker!, scope, "taker");
  const mailbox: { id: string; envelope: Uint8Array }[] = [];
  const post: Post = {
    put: async () => {},
    read: async () => [...mailbox],
    remove: async () => void mailbox.splice(0),
  };
  const deployed = { provider: { getBlock: async () => ({ timestamp: START }) } };
  const config = { identity: taker!, scope, record, post, log, reading: { deployed } };
  const role = makeTaker(config as unknown as TakerConfig);
  const other = cardOf(identityOf(Buffer.alloc(32, 3)));
  const makers = [cardOf(maker!), other];
  const requestId = await role.ask({ makers, legs: [{ id: 1n, size: 1n }], answerSeconds: 60 });
  const before = record.entries.length;
  const { address } = taker!.replyBox(requestId);
  const [asked] = [...role.book.conversations.values()].filter(
    ({ request }) => request.content.to === maker!.signing.key,
  );
  for (let place = 0; place < 200; place++) {
    const rule = `desk.${"abcdefghij"[place % 10]!.repeat(1 + Math.floor(place / 10))}`;
    const about = { to: taker!.signing.key, requestId, requestHash: asked!.request.hash };
    const message = say<MessageOf<"decline">>(maker!.signing, scope, { kind: "decline", ...about, rule });
    mailbox.push({ id: String(place), envelope: await sealEnvelope(address, scope, spokenForm(message)) });
  }
  expect(await role.step(requestId)).toBe(false);
  expect(record.entries.length - before).toBe(1 + 16);
  record.close();
  rmSync(directory, { recursive: true });
});

test("a taker who waits for ever, in a box without room, does not keep a maker at delivering for ever", async () => {
  const directory = mkdtempSync(join(tmpdir(), "solvus-maker-"));
  const record = openRecord(join(directory, "maker.jsonl"), maker!, scope, "maker");
  let now = START;
  let tried = 0;
  const mailbox: { id: string; envelope: Uint8Array }[] = [];
  const post: Post = {
    async put() {
      tried++;
      throw new SolvusError("desk.full", "mailbox: expected room");
    },
    read: async () => [...mailbox],
    remove: async () => void mailbox.splice(0),
  };
  const unlisted = async (): Promise<never> => {
    throw new SolvusError("desk.unlisted", "instrument: not listed");
  };
  const deployed = {
    provider: { getBlock: async () => ({ timestamp: now }) },
    oracle: { latest: async () => [1n] },
  };
  const config = {
    ...{ identity: maker!, scope, record, post, rules: RULES, log },
    reading: { deployed, snapshots: unlisted },
  } as unknown as MakerConfig;
  const role = makeMaker(config);
  const ask = async (place: number, answerBy: number): Promise<void> => {
    const requestId = String(place).padStart(32, "0");
    const message = say<MessageOf<"request">>(taker!.signing, scope, {
      ...{ kind: "request", to: maker!.signing.key, requestId, answerBy },
      legs: [{ id: "1", size: "1" }],
      replyTo: taker!.replyBox(requestId).address,
    });
    const { address } = maker!.box;
    mailbox.push({ id: requestId, envelope: await sealEnvelope(address, scope, spokenForm(message)) });
  };
  for (let place = 0; place < 5; place++) await ask(place, Number.MAX_SAFE_INTEGER);
  await ask(5, START + 3_600);
  await role.correspond();
  expect(role.book.conversations.size).toBe(1);
  now += 3_600;
  tried = 0;
  await role.correspond();
  expect(tried).toBe(1);
  now += 1;
  tried = 0;
  await role.correspond();
  expect(tried).toBe(0);
  record.close();
  rmSync(directory, { recursive: true });
});

test("a taker who asks while the oracle is silent has no quote at marks of before", async () => {
  const directory = mkdtempSync(join(tmpdir(), "solvus-maker-"));
  const record = openRecord(join(directory, "maker.jsonl"), maker!, scope, "maker");
  const snapshot = shortSnapshot();
  const time = Math.floor(snapshot.inputs.time / 1000);
  let now = time + 180;
  const mailbox: { id: string; envelope: Uint8Array }[] = [];
  const post: Post = {
    put: async () => {},
    read: async () => [...mailbox],
    remove: async () => void mailbox.splice(0),
  };
  const deployed = {
    chain: { ...scope, ledger: getAddress(scope.ledger) },
    provider: { getBlock: async () => ({ timestamp: now }) },
    oracle: { latest: async () => [snapshot.root] },
  };
  const note = { ...emptyNote(1n, 2n, 3n), cash: 100_000_000_000n };
  const config = {
    ...{ identity: maker!, scope, record, post, rules: RULES, log },
    reading: { deployed, snapshots: async () => snapshot },
    account: { now: async () => ({ note }) },
    relayer: { quote: async () => ({ ...scope, relayer: scope.ledger, fees: { transition: 0n } }) },
  } as unknown as MakerConfig;
  const role = makeMaker(config);
  const { id } = findInstrument(snapshot.instruments, "BTC-PERPETUAL");
  const answerTo = async (place: number): Promise<string | undefined> => {
    const requestId = String(place).padStart(32, "0");
    const message = say<MessageOf<"request">>(taker!.signing, scope, {
      ...{ kind: "request", to: maker!.signing.key, requestId, answerBy: now + 60 },
      legs: [{ id: String(id), size: "1" }],
      replyTo: taker!.replyBox(requestId).address,
    });
    const { address } = maker!.box;
    mailbox.push({ id: requestId, envelope: await sealEnvelope(address, scope, spokenForm(message)) });
    await role.correspond();
    const { quote, decline } = role.book.conversations.get(message.hash)!;
    return quote === undefined ? decline?.content.rule : "quoted";
  };
  expect(await answerTo(1)).toBe("quoted");
  now += 1;
  expect(await answerTo(2)).toBe("desk.stale");
  record.close();
  rmSync(directory, { recursive: true });
});
