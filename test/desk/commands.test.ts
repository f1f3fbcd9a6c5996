import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatTicket } from "../../protocol/tradeTicket.ts";
import { cardOf, cardSchema, identityOf } from "../../services/desk/identity.ts";
import { type MessageOf, say } from "../../services/desk/message.ts";
import { openRecord, type RecordEvent } from "../../services/desk/record.ts";
import { solvus } from "../cli/run.ts";

/* The desk's commands that need no chain. */

let directory: string;
const at = (name: string): string => join(directory, name);
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "solvus-desk-commands-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function refused(rule: string, exitCode: number, ...args: string[]): Promise<void> {
  const outcome = await solvus(args);
  expect(outcome.stderr).toContain(`error: ${rule}: `);
  expect(outcome.exitCode).toBe(exitCode);
}

test("an identity of its own is made once, and has one card, without its seed", async () => {
  const identity = ["desk", "identity", "--identity", at("seed")];
  const made = await solvus([...identity, "--create", "--name", "Alder", "--out", at("card")]);
  expect(made.exitCode).toBe(0);
  const card = cardSchema.parse(JSON.parse(readFileSync(at("card"), "utf8")));
  const seed = readFileSync(at("seed"), "utf8").trim();
  expect(card).toEqual(cardOf(identityOf(Buffer.from(seed, "hex")), "Alder"));
  expect(statSync(at("seed")).mode & 0o777).toBe(0o600);
  const shown = await solvus([...identity, "--json"]);
  expect(JSON.parse(shown.stdout)).toEqual({ ...card, name: undefined });
  expect(made.stdout + made.stderr + shown.stdout + readFileSync(at("card"), "utf8")).not.toContain(seed);
  await refused("cli.identity", 2, ...identity, "--create");
  await refused("cli.identity", 2, "desk", "identity");
  await refused("cli.identity", 2, ...identity, "--keystore", at("keystore"));
  writeFileSync(at("short"), "abc\n");
  await refused("cli.identity", 2, "desk", "identity", "--identity", at("short"));
});

test("a record is verified: what is broken, and what was not the best, ends with 1", async () => {
  const [alder, birch] = [identityOf(Buffer.alloc(32, 1)), identityOf(Buffer.alloc(32, 2))];
  const scope = { chainId: 31337n, ledger: `0x${"ab".repeat(20)}` };
  const requestId = "ab".repeat(16);
  const about = { to: birch.signing.key, requestId };
  const request = say<MessageOf<"request">>(alder.signing, scope, {
    ...{ kind: "request", ...about, answerBy: 1000, legs: [{ id: "7", size: "3" }] },
    replyTo: alder.replyBox(requestId).address,
  });
  const trade = { legs: [{ id: 7n, size: 3n }], cash: -300n, salt: 5n };
  const quote = say<MessageOf<"quote">>(birch.signing, scope, {
    ...{ kind: "quote", to: alder.signing.key, requestId, requestHash: request.hash, validUntil: 1010 },
    ticket: formatTicket({ ...scope, package: trade, deadline: 1300n }),
  });
  const acceptance = say(alder.signing, scope, { kind: "acceptance", ...about, quoteHash: quote.hash });
  const story = (worst: string): RecordEvent[] => [
    { event: "asking", requestId, makers: [cardOf(birch)], worst },
    { event: "said", message: request.signed },
    { event: "heard", message: quote.signed },
    { event: "said", message: acceptance.signed },
  ];
  for (const [name, worst] of [
    ["good", "-300"],
    ["bad", "-299"],
  ]) {
    const record = openRecord(at(name as string), alder, scope, "taker");
    for (const event of story(worst as string)) record.append(1005, event);
    record.close();
  }
  const verify = ["desk", "records", "verify"];
  const good = await solvus([...verify, at("good")]);
  expect(good.exitCode).toBe(0);
  expect(good.stdout).toContain("the best quote was taken");
  const { head } = JSON.parse((await solvus([...verify, at("good"), "--json"])).stdout);
  expect((await solvus([...verify, at("good"), "--known", head])).exitCode).toBe(0);
  // The owner took what it had said it would not.
  const bad = await solvus([...verify, at("bad")]);
  expect(bad.exitCode).toBe(1);
  expect(bad.stdout).toContain("NOT THE BEST");
  await refused("record.rewritten", 1, ...verify, at("bad"), "--known", head);
  writeFileSync(at("altered"), readFileSync(at("good"), "utf8").replace('"worst":"-300"', '"worst":"-900"'));
  await refused("record.chain", 1, ...verify, at("altered"));
  await refused("file.read", 2, ...verify, at("none"));
});
