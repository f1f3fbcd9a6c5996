import { expect, test } from "vitest";
import { type DeskScope, ENVELOPE_BYTES, openEnvelope, sealEnvelope } from "../../services/desk/envelope.ts";
import { deskSeed, identityOf } from "../../services/desk/identity.ts";
import { expectRule } from "./rule.ts";

const alder = identityOf(Buffer.alloc(32, 1));
const birch = identityOf(Buffer.alloc(32, 2));
const scope: DeskScope = { chainId: 31337n, ledger: `0x${"ab".repeat(20)}` };

test("every text up to nearly 4 KiB has an envelope of one length, longer ones of the next", async () => {
  const lengthOf = async (text: string): Promise<number> =>
    (await sealEnvelope(alder.box.address, scope, text)).length;
  const room = ENVELOPE_BYTES[0] - 1 - 32 - 16 - 4;
  expect(await lengthOf("")).toBe(4096);
  expect(await lengthOf("a".repeat(room))).toBe(4096);
  expect(await lengthOf("a".repeat(room + 1))).toBe(16_384);
  await expectRule("desk.long", () => lengthOf("a".repeat(16_384)));
});

test("the owner of the box opens what was sealed, twice the same text in different envelopes", async () => {
  const text = "sell 3 BTC-PERPETUAL";
  const one = await sealEnvelope(alder.box.address, scope, text);
  const other = await sealEnvelope(alder.box.address, scope, text);
  expect(await openEnvelope(alder.box, scope, one)).toBe(text);
  expect(await openEnvelope(alder.box, scope, other)).toBe(text);
  expect(Buffer.compare(one, other)).not.toBe(0);
  expect(Buffer.from(one).includes("PERPETUAL")).toBe(false);
});

test("nobody else, no other mailbox, no other ledger, and nothing altered opens", async () => {
  const envelope = Buffer.from(await sealEnvelope(alder.box.address, scope, "hello"));
  const refused = (work: () => Promise<unknown>): Promise<void> => expectRule("desk.envelope", work);
  await refused(() => openEnvelope(birch.box, scope, envelope));
  const moved = { ...alder.box, address: { ...alder.box.address, mailbox: birch.box.address.mailbox } };
  await refused(() => openEnvelope(moved, scope, envelope));
  await refused(() => openEnvelope(alder.box, { ...scope, chainId: 1n }, envelope));
  await refused(() => openEnvelope(alder.box, { ...scope, ledger: `0x${"cd".repeat(20)}` }, envelope));
  for (const place of [0, 1, 32, 33, 2000, 4095]) {
    const altered = Buffer.from(envelope);
    altered[place] = (altered[place] as number) ^ 1;
    await refused(() => openEnvelope(alder.box, scope, altered));
  }
  await refused(() => openEnvelope(alder.box, scope, envelope.subarray(0, 4095)));
});

test("points of low order are refused, as keys to encrypt to and as encapsulated keys", async () => {
  // The seven encodings of points whose product with any scalar is 0 (RFC 7748, section 6.1).
  const points = [
    "00".repeat(32),
    `01${"00".repeat(31)}`,
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    `ec${"ff".repeat(30)}7f`,
    `ed${"ff".repeat(30)}7f`,
    `ee${"ff".repeat(30)}7f`,
  ].map((hex) => Buffer.from(hex, "hex"));
  const envelope = Buffer.from(await sealEnvelope(alder.box.address, scope, "hello"));
  for (const point of points) {
    const box = { ...alder.box.address, encryptionKey: point.toString("base64url") };
    await expectRule("desk.key", () => sealEnvelope(box, scope, "hello"));
    const forged = Buffer.from(envelope);
    point.copy(forged, 1);
    await expectRule("desk.envelope", () => openEnvelope(alder.box, scope, forged));
  }
});

test("an identity follows from its seed; boxes of different requests share nothing", () => {
  const again = identityOf(Buffer.alloc(32, 1));
  expect(again.signing.key).toBe(alder.signing.key);
  const keys = [alder.box, alder.replyBox("a"), alder.replyBox("b"), birch.box].flatMap(({ address }) => [
    address.mailbox,
    address.encryptionKey,
  ]);
  expect(new Set([...keys, alder.signing.key]).size).toBe(9);
  expect(again.replyBox("a").address).toEqual(alder.replyBox("a").address);
  expect(Buffer.from(deskSeed(Buffer.alloc(32, 3))).length).toBe(32);
});
