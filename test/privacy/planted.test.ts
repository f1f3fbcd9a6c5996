import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hexlify } from "ethers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { emptyHistory } from "../../protocol/ledgerHistory.ts";
import { EMPTY_LEG } from "../../protocol/leg.ts";
import { commitmentOf, type Note, spendOf } from "../../protocol/note.ts";
import { prepareOpen } from "../../protocol/openAccount.ts";
import { committeeKeyOf, decryptOpening, encryptOpening } from "../../protocol/openEscrow.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import { loadAccount, saveAccount } from "../../prover/accountFile.ts";
import { createKeystore, openKeystore } from "../../prover/keystore.ts";
import { createProver } from "../../prover/prover.ts";
import { accountSecrets, firstNote } from "../../prover/secrets.ts";
import { formatHalf } from "../../services/account/half.ts";
import { emptyBook, placed, track } from "../../services/keeper/accountBook.ts";
import { loadBook, saveBook } from "../../services/keeper/bookFile.ts";
import { makeLog } from "../../services/log.ts";
import { formatItem } from "../../services/relayer/items.ts";
import { PERPETUAL, smallMarket } from "../support/syntheticMarket.ts";
import { moved } from "./acts.ts";
import { formsOf, type Secrets, searchBelow, searchFor } from "./plantedSecrets.ts";

const MARKET = smallMarket();
const SCOPE = { chainId: 31337n, ledger: `0x${"ab".repeat(20)}` };
const PASSWORD = "a planted password, hunter2";
const COMMITTEE = 1_234_567_890_123_456_789_012_345_678_901n;
const CASH = 987_654_321_123n;
const SIZE = 4_321_098_765n;

let directory: string;
let keystore: string;
let secrets: Secrets;
let note: Note;
let search: ReturnType<typeof searchFor>;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "solvus-planted-"));
  keystore = join(directory, "keystore.json");
  const master = await createKeystore(keystore, PASSWORD, { scryptN: 1 << 10 });
  const account = accountSecrets(master, 1n, SCOPE);
  note = { ...firstNote(account), cash: CASH };
  secrets = {
    "master secret": hexlify(master),
    "spend secret": account.spendSecret,
    "entity secret": account.entitySecret,
    rho: account.rho,
    "rho of the next note": spendOf(note, 37n).nextRho,
    "owner key": note.ownerKey,
    entity: note.entity,
    cash: CASH,
    size: SIZE,
    password: PASSWORD,
    "committee's key": COMMITTEE,
  };
  search = searchFor(secrets);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** The message by which something is refused, with all that an error carries. */
async function refusal(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    const { message, stack, cause } = error as Error;
    return `${message}\n${stack}\n${JSON.stringify(error)}\n${String(cause)}`;
  }
  throw new Error("accepted");
}

test("a secret is found in every form", () => {
  const number = 0x1f2e3d4c5b6a79880123456789abcdef0fedcba987654321n;
  const bytes = Buffer.from(number.toString(16), "hex");
  const find = searchFor({ number, text: "a planted text" });
  for (const text of [number.toString(), `0x${number.toString(16)}`, number.toString(16).toUpperCase()])
    expect(find(`{"x":"${text}"}`)).toEqual(["number"]);
  for (const prefix of ["", "a", "ab"])
    for (const encoding of ["base64", "base64url"] as const)
      expect(find(Buffer.concat([Buffer.from(prefix), bytes]).toString(encoding))).toEqual(["number"]);
  expect(find(Buffer.from(bytes).reverse())).toEqual(["number"]);
  expect(find(Buffer.from("a planted text", "utf16le"))).toEqual(["text"]);
  expect(find("nothing of the kind")).toEqual([]);
  expect(() => searchFor({ short: 12n })).toThrow("too short");
  expect(formsOf(number).length).toBeGreaterThan(8);
});

test("nothing that a service logs under a secret's name is told, at any level", () => {
  vi.stubEnv("SOLVUS_LOG_LEVEL", "trace");
  const lines: string[] = [];
  const log = makeLog("planted", { write: (line) => void lines.push(line) });
  vi.unstubAllEnvs();
  for (const level of ["trace", "debug", "info", "warn", "error", "fatal"] as const) {
    const fields = {
      spendSecret: secrets["spend secret"],
      entitySecret: secrets["entity secret"],
      password: PASSWORD,
    };
    const shown = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
    log[level](
      { ...shown, account: { rho: String(secrets.rho), of: { committeeKey: String(COMMITTEE) } } },
      "a",
    );
    const url = `postgres://solvus:${PASSWORD.replaceAll(" ", "-")}@db/x?key=${COMMITTEE}`;
    log[level]({ err: new Error(`cannot reach ${url}\n${secrets.rho}`) }, "b");
  }
  expect(lines).toHaveLength(12);
  expect(search(lines.join(""))).toEqual([]);
  expect(lines.join("")).not.toContain("hunter2");
});

describe("no refusal of", () => {
  test("the keystore, whatever is wrong, holds a secret", async () => {
    for (const password of ["", `${PASSWORD} `, "another"])
      expect(search(await refusal(() => openKeystore(keystore, password)))).toEqual([]);
    expect(search(await refusal(() => createKeystore(keystore, PASSWORD)))).toEqual([]);
    expect(search(await refusal(() => openKeystore(join(directory, "none"), PASSWORD)))).toEqual([]);
  });

  test("the model's keys and escrows holds a secret", async () => {
    const { ownerKey, entity, rho } = note;
    const key = committeeKeyOf(COMMITTEE);
    const escrow = encryptOpening({ ownerKey, entity, rho }, commitmentOf({ ...note, cash: 0n }), key);
    const spendSecret = secrets["spend secret"] as bigint;
    const entitySecret = secrets["entity secret"] as bigint;
    const opening = {
      ...{ spendSecret, entitySecret, rho, number: 1n, stateRoot: new StateTree().root },
      ...{ epoch: 1n, committeeKey: key, context: 1n },
    };
    const field = 2n ** 255n;
    for (const act of [
      () => decryptOpening(escrow, commitmentOf(note), COMMITTEE),
      () => decryptOpening(escrow, commitmentOf({ ...note, cash: 0n }), COMMITTEE + 1n),
      () => committeeKeyOf(COMMITTEE * field),
      () => prepareOpen({ ...opening, spendSecret: spendSecret + field }),
      () => prepareOpen({ ...opening, rho: rho + field }),
      () => prepareOpen({ ...opening, number: 2n }),
      () => prepareOpen({ ...opening, committeeKey: [1n, 2n] }),
    ])
      expect(search(await refusal(act))).toEqual([]);
  });

  test("the prover holds an input", async () => {
    const prover = createProver();
    const spendSecret = secrets["spend secret"] as bigint;
    const { input, publicSignals, circuit } = prepareOpenStatement();
    for (const changes of [{ spendSecret: spendSecret + 1n }, { epoch: -1n }])
      expect(
        search(
          await refusal(() => prover.witness({ circuit, input: { ...input, ...changes }, publicSignals })),
        ),
      ).toEqual([]);
    const { spendSecret: _, ...lacking } = input;
    expect(search(await refusal(() => prover.witness({ circuit, input: lacking, publicSignals })))).toEqual(
      [],
    );
    const other = publicSignals.with(3, 5n);
    expect(search(await refusal(() => prover.prove({ circuit, input, publicSignals: other })))).toEqual([]);
    await prover.close();
  });
});

/** The opening of the planted account as a statement. */
function prepareOpenStatement() {
  const { input, signals } = prepareOpen({
    spendSecret: secrets["spend secret"] as bigint,
    entitySecret: secrets["entity secret"] as bigint,
    rho: secrets.rho as bigint,
    number: 1n,
    stateRoot: new StateTree().root,
    epoch: 1n,
    committeeKey: committeeKeyOf(COMMITTEE),
    context: 1n,
  });
  return { circuit: "open", input: { ...input }, publicSignals: signals };
}

test("no half or item holds a secret: what leaves the owner is public signals, proof and terms", () => {
  const held = note.legs.with(0, { id: PERPETUAL, size: SIZE, fundingIndex: 500_000n });
  const owner = { note: { ...note, cash: 2n ** 59n + CASH, legs: held.with(1, EMPTY_LEG) }, leafIndex: 37n };
  const trade = { legs: [{ id: PERPETUAL, size: -SIZE / 2n }], cash: SIZE * 50_000_000n, salt: 5n };
  const { signals, after } = moved(owner, MARKET, { trade: { package: trade, side: 0 } });
  const nobody = `0x${"0".repeat(40)}`;
  const proven = {
    ...{ tier: 0n, proof: [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n] },
    signals: { stateRoot: 1n, snapshotRoot: MARKET.root, registryRoot: 0n, ...signals },
    terms: { payer: nobody, recipient: nobody, relayer: nobody, deadline: 1n },
    payerSignature: "0x",
  } as never;
  const find = searchFor({
    ...secrets,
    "cash before": owner.note.cash,
    "cash after": after.note.cash,
    "size after": after.note.legs[0]?.size as bigint,
    "cash of the trade": trade.cash,
    "rho after": after.note.rho,
  });
  for (const text of [formatHalf(proven), formatItem({ kind: "transition", transition: proven })]) {
    expect(text).toContain(String(signals.nullifier));
    expect(find(text)).toEqual([]);
  }
});

test("nothing that is written holds a secret in clear, but the account's own file its viewing secret", async () => {
  const name = { ...SCOPE, number: 1n };
  await saveAccount(join(directory, "account.json"), name, { note, leafIndex: 37n });
  const book = emptyBook();
  track(book, "planted", placed({ note, leafIndex: 37n }));
  await saveBook({ directory: join(directory, "keeper"), scope: SCOPE, secret: COMMITTEE }, book);
  const found = searchBelow(directory, search).sort();
  // An account's file is its note: whoever has it follows the account. No secret that spends is in it.
  expect(found).toEqual(["cash", "entity", "owner key", "rho"].map((secret) => `account.json: ${secret}`));
  for (const file of ["keystore.json", "account.json", "keeper/accounts"])
    expect(statSync(join(directory, file)).mode & 0o077, file).toBe(0);
  expect(await openKeystore(keystore, PASSWORD)).toHaveLength(32);
  expect((await loadAccount(join(directory, "account.json"), name))?.note).toEqual(note);
  const place = { directory: join(directory, "keeper"), scope: SCOPE, secret: COMMITTEE + 1n };
  expect(await loadBook(place, emptyBook(), emptyHistory())).toBe(0);
});
