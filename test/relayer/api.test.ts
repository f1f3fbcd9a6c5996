import { rmSync } from "node:fs";
import type { Signer } from "ethers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NOBODY } from "../../contracts/signing.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { relayerClient } from "../../services/relayer/client.ts";
import { formatItem, type Item, parseItem } from "../../services/relayer/items.ts";
import { makeProofCheck, signalsOn } from "../../services/relayer/proofCheck.ts";
import { startRelayer } from "../../services/relayer/relayer.ts";
import { DEFAULT_LIMITS, type Service } from "../../services/relayer/service.ts";
import {
  addSubmission,
  countsByState,
  openingsSince,
  submissionId,
} from "../../services/relayer/submissions.ts";
import { openStore } from "../../services/store/store.ts";
import { freshMetrics } from "../support/freshMetrics.ts";
import { randomElement } from "../support/ledgerFixture.ts";
import { aliceDeposits } from "../support/ledgerItems.ts";
import { emptyDataDirectory, quietLog } from "../support/storeFixture.ts";
import { FEE, post, type RelayerFixture, relayerFixture } from "./relayerFixture.ts";
import { streamCases } from "./streamCases.ts";

let fixture: RelayerFixture;
let service: Service;

beforeAll(async () => {
  fixture = await relayerFixture();
  service = await fixture.serve();
}, 60_000);
afterAll(() => fixture.close());

/** How many submissions there are, whatever their state. */
async function stored(): Promise<number> {
  return Object.values(await countsByState(fixture.store)).reduce((sum, count) => sum + count);
}

describe("an item that the ledger would take", () => {
  it("is stored before the answer, and known the second time", async () => {
    const item = await fixture.transition();
    const first = await post(service.url, formatItem(item));
    expect(first).toMatchObject({
      status: 202,
      body: { id: submissionId(item), kind: "transition", state: "queued" },
    });
    const second = await post(service.url, formatItem(item));
    expect(second).toMatchObject({ status: 200, body: { id: submissionId(item) } });
  });

  it("is one submission however often it is handed in at once, with whichever proof", async () => {
    const before = await stored();
    const transition = await fixture.ledger.transition({ fee: FEE });
    const signals = (await signalsOn(fixture.deployed))({ kind: "transition", transition });
    const again = { ...transition, proof: await fixture.ledger.prove("transition.small", signals) };
    const texts = [transition, again].map((one) => formatItem({ kind: "transition", transition: one }));
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => post(service.url, texts[index % 2] as string)),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(29);
    expect(await stored()).toBe(before + 1);
  });

  it("is not spoilt by the same with a false proof at the same time", async () => {
    const transition = await fixture.ledger.transition({ fee: FEE });
    const spoilt = { ...transition, proof: transition.proof.with(0, (transition.proof[0] as bigint) + 1n) };
    const texts = [spoilt, transition].map((one) => formatItem({ kind: "transition", transition: one }));
    let begun = 0;
    const both = await fixture.serve({
      async verify(item) {
        begun++;
        await expect.poll(() => begun).toBe(2);
        return fixture.verify(item);
      },
    });
    const [bad, good] = await Promise.all(texts.map((text) => post(both.url, text)));
    expect(bad).toMatchObject({ status: 422, rule: "proof.invalid" });
    expect(good).toMatchObject({ status: 202 });
  });

  it("may be an opening, which pays nothing, or a take-over", async () => {
    expect(await post(service.url, formatItem(await fixture.opening()))).toMatchObject({ status: 202 });
    const takeOver = await fixture.ledger.flaggedTakeOver({ fee: FEE });
    expect(await post(service.url, formatItem({ kind: "takeOver", takeOver }))).toMatchObject({
      status: 202,
    });
  });

  it("may be one side of a trade, which waits for the other", async () => {
    const [first, second] = (await fixture.ledger.trade({ fee: FEE }, { fee: FEE })).map(
      (transition): Item => ({ kind: "transition", transition }),
    ) as [Item, Item];
    expect((await post(service.url, formatItem(first))).body).toMatchObject({ state: "waiting" });
    expect((await post(service.url, formatItem(second))).body).toMatchObject({ state: "queued" });
    const client = relayerClient(service.url);
    expect((await client.status(submissionId(first))).state).toBe("queued");
  });

  it("may be a deposit that its payer signed", async () => {
    const transition = await aliceDeposits(fixture.ledger, { deposit: 5_000_000n, fee: FEE });
    expect(await post(service.url, formatItem({ kind: "transition", transition }))).toMatchObject({
      status: 202,
    });
  });
});

describe("what is refused", () => {
  const refused: Record<string, [rule: string, message: RegExp, item: () => Promise<Item | string>]> = {
    "text that is no JSON": ["http.form", /not valid JSON/, async () => "{"],
    "another kind": ["http.form", /body\.kind/, async () => '{"kind":"withdrawal","item":{}}'],
    "a number outside the field": [
      "http.form",
      /body\.item\.signals\.nullifier: expected a field element/,
      async () => altered(await fixture.transition(), ["signals", "nullifier"], String(FIELD_ORDER)),
    ],
    "a number with a leading zero": [
      "http.form",
      /body\.item\.signals\.fee: expected a decimal/,
      async () => altered(await fixture.transition(), ["signals", "fee"], `0${FEE}`),
    ],
    "a number that is none": [
      "http.form",
      /body\.item\.terms\.deadline/,
      async () => altered(await fixture.transition(), ["terms", "deadline"], 12),
    ],
    "a deadline of 65 bits": [
      "http.form",
      /body\.item\.terms\.deadline: expected Unix seconds/,
      async () => altered(await fixture.transition(), ["terms", "deadline"], String(2n ** 64n)),
    ],
    "a field too many": [
      "http.form",
      /body\.item\.signals: .*"extra"/,
      async () => altered(await fixture.transition(), ["signals", "extra"], "1"),
    ],
    "an item for another relayer": [
      "relayer.terms",
      /terms\.relayer is 0x.*, expected 0x.*, this relayer, or nobody/,
      async () => fixture.transition({}, { relayer: fixture.ledger.bob.address }),
    ],
    "a fee below the quote": [
      "relayer.fee",
      /signals\.fee is 999 micro-USDC, expected at least 1000 as quoted/,
      async () => fixture.transition({ fee: FEE - 1n }),
    ],
    "a false proof": [
      "proof.invalid",
      /^proof: does not show/,
      async () => {
        const item = await fixture.transition();
        if (item.kind === "transition")
          item.transition.proof = item.transition.proof.map((word) => word + 1n);
        return item;
      },
    ],
    "a spent note": [
      "ledger.NullifierSpent",
      /^nullifier is \d+$/,
      async () => {
        const transition = await fixture.ledger.transition({ fee: 0n });
        await fixture.ledger.ledger.getFunction("submit")(transition);
        return fixture.transition({ nullifier: transition.signals.nullifier });
      },
    ],
    "a state root of another tree": [
      "ledger.UnknownStateRoot",
      /^stateRoot is \d+$/,
      async () => fixture.transition({ stateRoot: randomElement() }),
    ],
    "a deadline that has passed": [
      "ledger.DeadlinePassed",
      /^deadline is \d+$/,
      async () => fixture.transition({}, { deadline: (await fixture.ledger.now()) - 1n }),
    ],
    "a snapshot that nobody posted": [
      "ledger.UnknownSnapshot",
      /^snapshotRoot is \d+$/,
      async () => fixture.transition({ snapshotRoot: randomElement() }),
    ],
    "a snapshot of two epochs ago": [
      "ledger.SnapshotNotLatest",
      /^epoch is \d+, latestEpoch is \d+$/,
      async () => {
        const item = await fixture.transition();
        for (let epoch = 0; epoch < 2; epoch++) await fixture.ledger.postSnapshot();
        return item;
      },
    ],
    "a side of a trade with a spent note": [
      "ledger.NullifierSpent",
      /^nullifier is \d+$/,
      async () => {
        const transition = await fixture.ledger.transition({ fee: 0n });
        await fixture.ledger.ledger.getFunction("submit")(transition);
        const { nullifier } = transition.signals;
        return fixture.transition({ nullifier, tradeTag: randomElement(), side: 1n });
      },
    ],
    "a side of a trade with a deadline that has passed": [
      "ledger.DeadlinePassed",
      /^deadline is [1-9]\d*$/,
      async () =>
        fixture.transition({ tradeTag: randomElement() }, { deadline: (await fixture.ledger.now()) - 1n }),
    ],
    "a withdrawal to nobody": [
      "ledger.RecipientMissing",
      /./,
      async () => fixture.transition({ withdrawal: 1n }, { recipient: NOBODY }),
    ],
    "a deposit that its payer did not sign": [
      "ledger.PayerNotAuthorized",
      /./,
      async () => fixture.transition({ deposit: 1_000_000n }, { payer: fixture.ledger.alice.address }),
    ],
    "a deposit of the relayer's own money that it did not sign": [
      "relayer.payer",
      /^terms\.payer is 0x.*, this relayer, which did not sign/,
      async () => fixture.transition({ deposit: 1_000_000n }, { payer: fixture.ledger.carol.address }),
    ],
    "one item too many of the same note": [
      "relayer.crowded",
      /^note: 16 items that spend it are under way/,
      async () => {
        const nullifier = randomElement();
        for (let count = 0; count < 16; count++)
          await addSubmission(fixture.store, await fixture.transition({ nullifier }));
        return fixture.transition({ nullifier });
      },
    ],
    "a take-over of a note that is not flagged": [
      "auction.NotFlagged",
      /./,
      async () => ({ kind: "takeOver", takeOver: await fixture.ledger.takeOver({ fee: FEE }) }),
    ],
    "an opening with an account tag that is used": [
      "ledger.AccountTagUsed",
      /^accountTag is \d+$/,
      async () => {
        const [proof, signals, terms] = await fixture.ledger.opening();
        await fixture.ledger.ledger.getFunction("open")(proof, signals, terms);
        return fixture.opening({ accountTag: signals.accountTag });
      },
    ],
  };

  it.each(Object.entries(refused))(
    "%s: one line that says why, and nothing is stored",
    async (_, [rule, message, make]) => {
      const item = await make();
      const before = await stored();
      const answer = await post(service.url, typeof item === "string" ? item : formatItem(item));
      expect(answer).toMatchObject({ rule, status: rule === "http.form" ? 400 : 422 });
      expect(answer.message).toMatch(message);
      expect(answer.message).not.toContain("\n");
      expect(await stored()).toBe(before);
    },
  );

  it("a body beyond the limit", async () => {
    const answer = await post(service.url, `"${"0".repeat(20_000)}"`);
    expect(answer).toMatchObject({ status: 413, rule: "http.tooLarge" });
  });

  it("may be good later: what the chain refused is not held against it", async () => {
    const { alice, usdc, as, addresses } = fixture.ledger;
    const transition = await aliceDeposits(fixture.ledger, { deposit: 7_000_000n, fee: FEE });
    const text = formatItem({ kind: "transition", transition });
    await as(alice, usdc).approve(addresses.ledger, 0n);
    expect((await post(service.url, text)).status).toBe(422);
    await as(alice, usdc).approve(addresses.ledger, 2n ** 255n);
    expect((await post(service.url, text)).status).toBe(202);
  });
});

describe("the keys that proofs are checked with", () => {
  it("are those that the manifest pins, and a ledger with others is not served", async () => {
    await expect(makeProofCheck(fixture.deployed)).rejects.toMatchObject({
      rule: "relayer.ledgerKey",
      message: expect.stringMatching(
        /^key of open: the ledger has hash 0x.*, expected 0x.* as the manifest says$/,
      ),
    });
  });
});

describe("the form of an item", () => {
  it("is read back as it was written, whatever the case of its addresses", async () => {
    const item = await fixture.transition({}, { relayer: fixture.ledger.carol.address });
    expect(parseItem(formatItem(item))).toEqual(item);
    const shouted = formatItem(item).replace(
      /0x[0-9a-fA-F]{40}/g,
      (text) => `0x${text.slice(2).toUpperCase()}`,
    );
    expect(parseItem(shouted)).toEqual(item);
  });
});

describe("a relayer with too much to do", () => {
  it("answers 503 with Retry-After to what it has no room for, and stores all the rest", async () => {
    const narrow = await fixture.serve({
      limits: { ...DEFAULT_LIMITS, admission: { atOnce: 1, waiting: 3, waitSeconds: 10 } },
    });
    const items = await Promise.all(Array.from({ length: 12 }, () => fixture.transition()));
    const before = await stored();
    const answers = await Promise.all(items.map((item) => post(narrow.url, formatItem(item))));
    const busy = answers.filter(({ status }) => status === 503);
    const taken = answers.filter(({ status }) => status === 202);
    expect(busy.length).toBeGreaterThan(0);
    expect(busy.length + taken.length).toBe(12);
    for (const { rule, retryAfter } of busy) {
      expect(rule).toBe("relayer.busy");
      expect(Number(retryAfter)).toBeGreaterThan(0);
    }
    expect(await stored()).toBe(before + taken.length);
    // Its client asks again by itself.
    const client = relayerClient(narrow.url);
    const states = await Promise.all(items.map((item) => client.submit(item)));
    expect(states.map(({ id }) => id)).toEqual(items.map(submissionId));
    expect(await stored()).toBe(before + 12);
  });

  it("answers 429 with Retry-After to an address that asks too often", async () => {
    const strict = await fixture.serve({
      limits: { ...DEFAULT_LIMITS, submissionsPerMinute: 2, readsPerMinute: 5 },
    });
    const item = formatItem(await fixture.transition());
    const answers = [];
    for (let count = 0; count < 3; count++) answers.push(await post(strict.url, item));
    expect(answers.map(({ status }) => status)).toEqual([202, 200, 429]);
    expect(answers[2]).toMatchObject({ rule: "http.tooMany" });
    expect(Number(answers[2]?.retryAfter)).toBeGreaterThan(0);
    const reads = [];
    for (let count = 0; count < 6; count++) reads.push((await fetch(`${strict.url}/v1/quote`)).status);
    expect(reads).toEqual([200, 200, 200, 200, 200, 429]);
  });

  it("shuts out an address that sends false proofs, and verifies none of them twice", async () => {
    let verified = 0;
    const wary = await fixture.serve({
      async verify() {
        verified++;
        return false;
      },
    });
    const text = formatItem(await fixture.transition());
    const answers = [];
    for (let count = 0; count < 21; count++) answers.push(await post(wary.url, text));
    expect(answers.slice(0, 20).every(({ rule }) => rule === "proof.invalid")).toBe(true);
    expect(answers[20]).toMatchObject({ status: 429, rule: "http.tooMany", retryAfter: "60" });
    expect(verified).toBe(1);
  });
});

describe("a relayer that somebody wants to keep busy", () => {
  it("verifies no more false proofs of an address that sent them all at once", async () => {
    let verified = 0;
    const wary = await fixture.serve({
      limits: { ...DEFAULT_LIMITS, admission: { atOnce: 1, waiting: 100, waitSeconds: 10 } },
      async verify() {
        verified++;
        return false;
      },
    });
    const items = await Promise.all(Array.from({ length: 30 }, () => fixture.transition()));
    const answers = await Promise.all(items.map((item) => post(wary.url, formatItem(item))));
    // Whoever's turn it was by then is verified.
    expect(verified).toBeLessThan(23);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(30 - verified);
  });

  it("opens no more accounts for nothing than it says", async () => {
    const opened = await openingsSince(fixture.store, 3600);
    const frugal = await fixture.serve({ limits: { ...DEFAULT_LIMITS, openingsPerHour: opened + 1 } });
    const openings = [await fixture.opening(), await fixture.opening()].map(formatItem) as [string, string];
    expect(await post(frugal.url, openings[0])).toMatchObject({ status: 202 });
    expect(await post(frugal.url, openings[1])).toMatchObject({ status: 503, rule: "relayer.openings" });
    expect(await post(frugal.url, openings[0])).toMatchObject({ status: 200 });
    expect(await post(frugal.url, formatItem(await fixture.transition()))).toMatchObject({ status: 202 });
  });
});

describe("a relayer whose store belongs to another chain", () => {
  it("does not start, and takes nothing in before it says so", async () => {
    const place = { dataDirectory: await emptyDataDirectory() };
    const other = await openStore(place, quietLog());
    await other.query("INSERT INTO setting (name, value) VALUES ('ledger', '1 0xabc 0xdef')");
    await other.close();
    const { deployed, verify, log, lines, ledger } = fixture;
    const before = lines.length;
    const starting = startRelayer({
      ...{ deployed, verify, log, store: place, signer: ledger.carol as unknown as Signer },
      prover: "elsewhere",
    });
    await expect(starting).rejects.toMatchObject({ rule: "relayer.otherChain" });
    expect(lines.slice(before).join("")).not.toContain("listening");
    rmSync(place.dataDirectory, { recursive: true });
  });
});

describe("a relayer that stops", () => {
  it("answers what it took, refuses what is new, and goes on telling", async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const stopping = await fixture.serve({
      async verify() {
        await held;
        return true;
      },
    });
    const item = await fixture.transition();
    const underWay = post(stopping.url, formatItem(item));
    await expect.poll(() => fetchText(`${stopping.url}/metrics`)).toMatch(/admission_at_work 1/);
    const refusing = stopping.refuseNew();
    expect(await post(stopping.url, formatItem(await fixture.transition()))).toMatchObject({
      ...{ status: 503, rule: "http.stopping", retryAfter: "2" },
    });
    release();
    expect(await underWay).toMatchObject({ status: 202 });
    await refusing;
    expect((await relayerClient(stopping.url).status(submissionId(item))).state).toBe("queued");
  });
});

describe("what else it tells", () => {
  it("quotes fees, and keeps to a quote while it is valid", async () => {
    const client = relayerClient(service.url);
    const quote = await client.quote();
    expect(quote).toMatchObject({
      relayer: fixture.ledger.carol.address,
      chainId: fixture.ledger.chainId,
      ledger: fixture.ledger.addresses.ledger,
      fees: { opening: 0n, transition: FEE, takeOver: FEE },
    });
    expect(quote.validUntil).toBeGreaterThan(Date.now() / 1000);
  });

  it("counts submissions by state and refusals by rule", async () => {
    await post(service.url, formatItem(await fixture.transition({ fee: 0n })));
    const text = await freshMetrics(service.url);
    const { queued } = await countsByState(fixture.store);
    expect(text).toContain(`solvus_relayer_submissions{state="queued"} ${queued}`);
    expect(text).toMatch(/solvus_relayer_refusals_total\{rule="relayer.fee"\} [12]$/m);
    expect(text).toMatch(/solvus_relayer_queue_age_seconds \d/);
    expect(text).toMatch(/solvus_relayer_key_balance_coins 10000/);
  });

  it("is healthy with database, chain and gas, and says what is amiss", async () => {
    expect(await (await fetch(`${service.url}/health`)).json()).toMatchObject({
      status: "ok",
      database: "ok",
    });
    const poor = await fixture.serve({ limits: { ...DEFAULT_LIMITS, leastBalance: 10n ** 30n } });
    const response = await fetch(`${poor.url}/health`);
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ status: "failing", error: { rule: "relayer.balance" } });
  });

  it("describes its routes", async () => {
    const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { requestBody?: unknown; responses: Record<string, unknown> }>>;
    };
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(["/v1/submissions", "/v1/submissions/{id}", "/v1/events", "/v1/quote"]),
    );
    const { requestBody, responses } = document.paths["/v1/submissions"]?.post ?? { responses: {} };
    expect(JSON.stringify(requestBody)).toContain("nullifier");
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(["200", "202"]));
  });

  it("answers what it never heard of with 404", async () => {
    const client = relayerClient(service.url);
    const id = `0x${"12".repeat(32)}`;
    await expect(client.status(id)).rejects.toMatchObject({ rule: "relayer.unknown" });
    await expect(client.wait(id)).rejects.toMatchObject({ rule: "relayer.unknown" });
    expect((await fetch(`${service.url}/v1/nothing`)).status).toBe(404);
  });
});

streamCases(() => ({ fixture, service }));

/** The text of an item with one field replaced. */
function altered(item: Item, [group, name]: [string, string], value: unknown): string {
  const form = JSON.parse(formatItem(item));
  form.item[group][name] = value;
  return JSON.stringify(form);
}

async function fetchText(url: string): Promise<string> {
  return (await fetch(url)).text();
}
