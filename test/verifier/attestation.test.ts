import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatAttestation, parseAttestation } from "../../protocol/attestation.ts";
import { readLedger, snapshotsOf } from "../../protocol/chain.ts";
import { CIRCUIT_PLACES, type CircuitPlaces } from "../../protocol/circuitFiles.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { committeeKeyOf } from "../../protocol/openEscrow.ts";
import { buildSnapshot } from "../../protocol/snapshot.ts";
import { standingOf } from "../../protocol/solvency.ts";
import { type Account, recoverAccount } from "../../prover/account.ts";
import { createAttestation } from "../../prover/attestation.ts";
import { createProver, type Prover } from "../../prover/prover.ts";
import { accountSecrets, firstNote } from "../../prover/secrets.ts";
import { type AttestationReport, verifyAttestation, verifyAttestations } from "../../verifier/attestation.ts";
import type { AuditorDemand } from "../../verifier/attestationChecks.ts";
import { type FakeChain, fakeChain, marketInputs, PERPETUAL, SPOT } from "../support/fakeChain.ts";
import { forgingProver } from "../support/forgingProver.ts";

const MASTER = Uint8Array.from({ length: 32 }, (_, i) => 5 * i + 3);
const USDC = 1_000_000n;
const CHALLENGE = 7_777_777_777n;
const RATIO = 3n << 16n;

const rule = (name: string) => expect.objectContaining({ rule: name });

/** Names of the checks that failed. */
const failed = ({ checks }: AttestationReport): string[] =>
  checks.filter(({ passed }) => !passed).map(({ name }) => name);

/** A chain on which an account deposits, trades and is inserted; then the next epoch begins. */
async function attestedChain(): Promise<FakeChain> {
  const made = await fakeChain(committeeKeyOf(31_415_926n));
  made.post(marketInputs(1));
  const secrets = accountSecrets(MASTER, 1n, made);
  const note = firstNote(secrets);
  const opened = made.open(note, secrets.entitySecret, 1n);
  const funded = made.transact(note, opened, { deposit: 1_000_000n * USDC });
  const spot = made.transact(funded.transition.after, funded.leafIndex, { asset: SPOT, deposit: 40n });
  made.transact(spot.transition.after, spot.leafIndex, {
    trade: {
      package: { legs: [{ id: PERPETUAL, size: 300n }], cash: -300n * 500n * USDC, salt: 9n },
      side: 0,
    },
  });
  made.insertAll();
  made.post(marketInputs(2, 49_000_000_000, 500));
  return made;
}

let chain: FakeChain;
let prover: Prover;
let account: Account;
let demand: AuditorDemand;
let text: string;
/** The block at which the account was attested. */
let block: number;

beforeAll(async () => {
  prover = createProver();
  chain = await attestedChain();
  block = await chain.blockNumber();
  const view = await readLedger(chain);
  const secrets = accountSecrets(MASTER, 1n, chain);
  account = await recoverAccount({ secrets, scope: chain, view, snapshots: snapshotsOf(chain) });
  demand = {
    challenge: CHALLENGE,
    entity: account.note.entity,
    minimumRatio: RATIO,
    minimumExcess: 500_000n * USDC,
    block,
  };
  const claim = { ratio: RATIO, excess: 500_000n * USDC, context: CHALLENGE };
  ({ text } = await createAttestation({ prover, account, view, snapshot: chain.snapshot(), claim }));
});
afterAll(() => prover.close());

const verify = (changes: Partial<AuditorDemand> = {}, bundle = text) =>
  verifyAttestation(bundle, chain, { ...demand, ...changes });

/** The attestation with altered public signals or parts. */
function altered(change: (attestation: ReturnType<typeof parseAttestation>) => void): string {
  const attestation = parseAttestation(text);
  change(attestation);
  return formatAttestation(attestation);
}

describe("an attestation", () => {
  test("passes every check, each by name", async () => {
    const report = await verify();
    expect(failed(report)).toEqual([]);
    expect(report.accepted).toBe(true);
    expect(report.block).toBe(block);
    expect(report.checks.map(({ name }) => name)).toEqual([
      "format",
      "ledger",
      "challenge",
      "entity",
      "ratio",
      "excess",
      "pinnedKey",
      "ledgerKey",
      "proof",
      "stateRoot",
      "leaf",
      "unspent",
      "snapshot",
      "snapshotInputs",
      "snapshotLatest",
      "snapshotAge",
    ]);
  });

  test("holds no secret", () => {
    const { secrets, note } = account;
    for (const secret of [
      secrets.spendSecret,
      secrets.entitySecret,
      secrets.rho,
      note.rho,
      note.ownerKey,
      note.cash,
    ]) {
      expect(text).not.toContain(String(secret));
    }
  });

  test.each<[string, () => Partial<AuditorDemand>]>([
    ["challenge", () => ({ challenge: CHALLENGE + 1n })],
    ["entity", () => ({ entity: demand.entity + 1n })],
    ["ratio", () => ({ minimumRatio: RATIO + 1n })],
    ["excess", () => ({ minimumExcess: 500_000n * USDC + 1n })],
    ["snapshotAge", () => ({ maximumAge: 3_599n })],
    ["stressSnapshot", () => ({ stressSnapshot: 5n })],
  ])("fails the check %s alone when the auditor asks for something else", async (name, change) => {
    const report = await verify(change());
    expect(failed(report)).toEqual([name]);
    expect(report.accepted).toBe(false);
  });

  test("passes at the thresholds themselves", async () => {
    expect((await verify({ maximumAge: 3_600n * 5n })).accepted).toBe(true);
    expect((await verify({ minimumRatio: undefined, minimumExcess: undefined })).accepted).toBe(true);
  });

  test.each<[string[], (attestation: ReturnType<typeof parseAttestation>) => void]>([
    [
      ["proof", "stateRoot"],
      ({ publicSignals }) => {
        publicSignals.stateRoot += 1n;
      },
    ],
    [
      ["proof", "snapshot", "snapshotInputs", "snapshotLatest", "snapshotAge"],
      ({ publicSignals }) => {
        publicSignals.snapshotRoot += 1n;
      },
    ],
    [
      ["proof"],
      ({ publicSignals }) => {
        publicSignals.nullifier += 1n;
      },
    ],
    [
      ["proof"],
      ({ publicSignals }) => {
        publicSignals.leafIndex -= 1n;
      },
    ],
    [
      ["proof", "leaf"],
      ({ publicSignals }) => {
        publicSignals.leafIndex += 16n;
      },
    ],
    [
      ["proof"],
      ({ publicSignals }) => {
        publicSignals.ratio += 1n;
      },
    ],
    [
      ["proof"],
      ({ publicSignals }) => {
        publicSignals.excess += 1n;
      },
    ],
    [
      ["challenge", "proof"],
      ({ publicSignals }) => {
        publicSignals.context += 1n;
      },
    ],
    [
      ["entity", "proof"],
      ({ publicSignals }) => {
        publicSignals.entity += 1n;
      },
    ],
    [
      ["proof"],
      ({ proof }) => {
        proof[6] = (proof[6] as bigint) ^ 1n;
      },
    ],
    [
      ["proof"],
      (attestation) => {
        attestation.circuit = "solvency.large";
      },
    ],
    [
      ["ledger"],
      (attestation) => {
        attestation.chainId = 1n;
      },
    ],
    [
      ["ledger"],
      (attestation) => {
        attestation.ledger = `0x${"00".repeat(20)}`;
      },
    ],
  ])("fails %j for a part that was altered", async (names, change) => {
    const report = await verify({}, altered(change));
    expect(failed(report)).toEqual(names);
    expect(report.checks).toHaveLength(16);
    expect(report.accepted).toBe(false);
  });

  test("is refused when any byte is altered", async () => {
    const positions = Array.from({ length: 60 }, (_, i) => Math.floor((i * text.length) / 60));
    for (const position of positions) {
      const byte = text.charCodeAt(position) ^ 1;
      const bundle = text.slice(0, position) + String.fromCharCode(byte) + text.slice(position + 1);
      expect((await verify({}, bundle)).accepted).toBe(false);
    }
  });

  test("is refused with a line that names the field when it is not of the format", async () => {
    const content = JSON.parse(text);
    const { proof, ...withoutProof } = content;
    const { entity, ...fewerSignals } = content.publicSignals;
    const print = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
    for (const [bundle, field] of [
      ["", "JSON"],
      ["[]", "file"],
      [print({ ...content, version: 2 }), "version"],
      [print({ ...content, format: "other" }), "format"],
      [print({ ...content, key: "mine" }), "key"],
      [print(withoutProof), "proof"],
      [print({ ...content, proof: proof.slice(1) }), "proof"],
      [print({ ...content, proof: [...proof, "1"] }), "proof"],
      [print({ ...content, publicSignals: fewerSignals }), "publicSignals.entity"],
      [print({ ...content, publicSignals: { ...content.publicSignals, cash: "1" } }), "cash"],
      [print({ ...content, publicSignals: { ...content.publicSignals, ratio: 5 } }), "publicSignals.ratio"],
      [
        print({ ...content, publicSignals: { ...content.publicSignals, ratio: "0x1" } }),
        "publicSignals.ratio",
      ],
      [
        print({ ...content, publicSignals: { ...content.publicSignals, ratio: "01" } }),
        "publicSignals.ratio",
      ],
      [
        print({ ...content, publicSignals: { ...content.publicSignals, ratio: "-1" } }),
        "publicSignals.ratio",
      ],
      [
        print({
          ...content,
          publicSignals: { ...content.publicSignals, entity: String(BigInt(entity) + FIELD_ORDER) },
        }),
        "publicSignals.entity",
      ],
      [print({ ...content, circuit: "open" }), "circuit"],
      [print({ ...content, ledger: "0x12" }), "ledger"],
      [text.replace("{", '{\n  "version": 1,'), "file"],
      [`${text} `, "file"],
      [JSON.stringify(content), "file"],
    ] as const) {
      const report = await verify({}, bundle);
      expect(report.accepted).toBe(false);
      expect(report.checks).toHaveLength(16);
      expect(report.checks.some(({ passed }) => passed)).toBe(false);
      expect(report.checks[0]?.name).toBe("format");
      expect(report.checks[0]?.found).toContain(field);
      expect(report.checks[0]?.found).not.toContain("\n");
    }
  });

  test("is refused as one bad among many, and so is no attestation at all", async () => {
    const good = { text, demand };
    const all = await verifyAttestations([good, good], chain);
    expect(all.accepted).toBe(true);
    const bad = { text: altered(({ proof }) => proof.reverse()), demand };
    const { accepted, reports } = await verifyAttestations([good, bad, good], chain);
    expect(accepted).toBe(false);
    expect(reports.map((report) => report.accepted)).toEqual([true, false, true]);
    expect((await verifyAttestations([], chain)).accepted).toBe(false);
  });
});

describe("the key", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "solvus-verifier-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const places = async (name: string): Promise<CircuitPlaces> => {
    const build = join(directory, name);
    await mkdir(join(build, "keys"), { recursive: true });
    await cp(
      join(CIRCUIT_PLACES.build, "keys/solvency.small.vkey.json"),
      join(build, "keys/solvency.small.vkey.json"),
    );
    await cp(CIRCUIT_PLACES.manifest, join(build, "manifest.json"));
    return { build, manifest: join(build, "manifest.json") };
  };

  test("is the manifest's: another one, or none, fails by name", async () => {
    const other = await places("other");
    const file = join(other.build, "keys/solvency.small.vkey.json");
    const key = JSON.parse(await readFile(file, "utf8"));
    const report = async () => failed(await verifyAttestation(text, chain, demand, { places: other }));
    expect(await report()).toEqual([]);
    await writeFile(file, JSON.stringify({ ...key, IC: key.IC.toReversed() }));
    expect(await report()).toEqual(["pinnedKey", "ledgerKey", "proof"]);
    await writeFile(file, "{}");
    expect(await report()).toEqual(["pinnedKey", "ledgerKey", "proof"]);
    await rm(file);
    expect(await report()).toEqual(["pinnedKey", "ledgerKey", "proof"]);
  });

  test("is the ledger's as well", async () => {
    const elsewhere = { ...chain, keyHash: async () => `0x${"99".repeat(32)}` };
    expect(failed(await verifyAttestation(text, elsewhere, demand))).toEqual(["ledgerKey"]);
  });
});

describe("the chain", () => {
  test("decides at a block: before the epoch, and after the next one and a transition", async () => {
    const { posted } = chain;
    const snapshot = posted[1]?.block as number;
    expect(failed(await verify({ block: snapshot - 1 }))).toEqual([
      "snapshot",
      "snapshotInputs",
      "snapshotLatest",
      "snapshotAge",
    ]);
    const before = (await readLedger(chain, 3)).history;
    expect(before.inserted).toBe(0);
    expect(failed(await verify({ block: 3 }))).toContain("stateRoot");

    const later = await attestedChain();
    later.transact(account.note, account.leafIndex, { deposit: USDC });
    expect(failed(await verifyAttestation(text, later, demand))).toEqual([]);
    const { block: _, ...now } = demand;
    expect(failed(await verifyAttestation(text, later, now))).toEqual(["unspent"]);
    later.post(marketInputs(3));
    expect(failed(await verifyAttestation(text, later, now))).toEqual(["unspent", "snapshotLatest"]);
    for (const missing of [-1, 1.5, 1_000_000]) {
      await expect(verifyAttestation(text, later, { ...demand, block: missing })).rejects.toEqual(
        rule("verify.block"),
      );
    }
  });

  test("is recomputed: inputs that do not give the posted root fail by name", async () => {
    const posted = chain.posted[1] as (typeof chain.posted)[0];
    const { inputs } = posted;
    posted.inputs = inputs.slice(1);
    expect(failed(await verify())).toEqual(["snapshotInputs"]);
    posted.inputs = inputs;
  });
});

describe("a stress test", () => {
  test("is the same statement on the auditor's own snapshot", async () => {
    const stress = buildSnapshot(marketInputs(2, 30_000_000_000, 500));
    const { equity, margin } = standingOf(account.note, stress);
    const view = await readLedger(chain, block);
    const claim = { ratio: 0n, excess: equity - margin.maintenance, context: CHALLENGE };
    const forging = await forgingProver();
    const stressed = await createAttestation({ prover: forging, account, view, snapshot: stress, claim });
    await forging.close();
    const asked = { ...demand, minimumRatio: 0n, minimumExcess: claim.excess, stressSnapshot: stress.root };
    const report = await verifyAttestation(stressed.text, chain, asked);
    expect(failed(report)).toEqual([]);
    expect(report.checks.at(-1)?.name).toBe("stressSnapshot");
    // It is no attestation at market prices.
    const { stressSnapshot, ...market } = asked;
    expect(failed(await verifyAttestation(stressed.text, chain, market))).toEqual([
      "snapshot",
      "snapshotInputs",
      "snapshotLatest",
      "snapshotAge",
    ]);
  });

  test("and any claim that does not hold are refused before proving", async () => {
    const view = await readLedger(chain, block);
    const snapshot = buildSnapshot(marketInputs(2, 30_000_000_000, 500));
    const claim = { ratio: 0n, excess: 2_000_000n * USDC, context: CHALLENGE };
    await expect(createAttestation({ prover, account, view, snapshot, claim })).rejects.toEqual(
      rule("solvency.excess"),
    );
    const waiting = { ...account, inserted: false };
    await expect(
      createAttestation({ prover, account: waiting, view, snapshot, claim: { ...claim, excess: 0n } }),
    ).rejects.toEqual(rule("account.pending"));
  });
});

test("a process that verified ends by itself", async () => {
  const script = `
    import { readPinnedKey } from "./protocol/circuitFiles.ts";
    import { verifyProof } from "./protocol/groth16.ts";
    const key = await readPinnedKey("solvency.small");
    console.log(await verifyProof(key, ${JSON.stringify(parseAttestation(text).proof.map(String))}.map(BigInt), new Array(8).fill(1n)));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: join(import.meta.dirname, "../.."),
    timeout: 60_000,
  });
  expect(stdout.trim()).toBe("false");
});
