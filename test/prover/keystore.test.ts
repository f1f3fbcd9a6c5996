import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { createKeystore, openKeystore } from "../../prover/keystore.ts";
import { accountSecrets, entitySecretOf } from "../../prover/secrets.ts";

/** A work factor for tests. */
const WEAK = { scryptN: 1 << 10 };
const PASSWORD = "correct horse battery staple";
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "solvus-keystore-"));
});
afterAll(() => rm(directory, { recursive: true }));

const rule = (name: string) => expect.objectContaining({ rule: name });

describe("keystore", () => {
  test("gives back the secret that it was created with, which stands nowhere in the file", async () => {
    const file = join(directory, "deep/institution.json");
    const secret = await createKeystore(file, PASSWORD, WEAK);
    expect(secret).toHaveLength(32);
    expect(await openKeystore(file, PASSWORD)).toEqual(secret);
    const text = await readFile(file, "utf8");
    expect(text).not.toContain(Buffer.from(secret).toString("hex"));
    expect(JSON.parse(text).version).toBe(3);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test("makes another secret each time and replaces no file", async () => {
    const file = join(directory, "a.json");
    const first = await createKeystore(file, PASSWORD, WEAK);
    expect(await createKeystore(join(directory, "b.json"), PASSWORD, WEAK)).not.toEqual(first);
    await expect(createKeystore(file, PASSWORD, WEAK)).rejects.toEqual(rule("keystore.exists"));
    expect(await openKeystore(file, PASSWORD)).toEqual(first);
  });

  test("made by two at once is one's: the secret that the other was given is nobody's", async () => {
    const file = join(directory, "race.json");
    const made = await Promise.allSettled([1, 2, 3].map(() => createKeystore(file, PASSWORD, WEAK)));
    const secrets = made.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    expect(secrets).toEqual([await openKeystore(file, PASSWORD)]);
    for (const one of made)
      if (one.status === "rejected") expect(one.reason).toEqual(rule("keystore.exists"));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readdir(directory)).filter((name) => name.startsWith("race"))).toEqual(["race.json"]);
  });

  test("has the usual work factor unless told otherwise", async () => {
    const file = join(directory, "strong.json");
    const secret = await createKeystore(file, PASSWORD);
    expect(JSON.parse(await readFile(file, "utf8")).Crypto.kdfparams.n).toBe(131_072);
    expect(await openKeystore(file, PASSWORD)).toEqual(secret);
  });

  test("refuses an empty password, a wrong one and a missing file, without repeating the password", async () => {
    const file = join(directory, "c.json");
    await expect(createKeystore(file, "", WEAK)).rejects.toEqual(rule("keystore.password"));
    await createKeystore(file, PASSWORD, WEAK);
    const wrong = await openKeystore(file, "wrong sesame").catch((error) => error);
    expect(wrong).toEqual(rule("keystore.password"));
    expect(JSON.stringify([wrong, wrong.message, wrong.stack])).not.toContain("sesame");
    await expect(openKeystore(join(directory, "none.json"), PASSWORD)).rejects.toEqual(
      rule("keystore.missing"),
    );
  });

  test("refuses an altered file", async () => {
    const file = join(directory, "d.json");
    await createKeystore(file, PASSWORD, WEAK);
    const content = JSON.parse(await readFile(file, "utf8"));
    const flip = (hex: string): string => (hex[0] === "0" ? "1" : "0") + hex.slice(1);
    const { Crypto } = content;
    for (const altered of [
      { ...content, Crypto: { ...Crypto, ciphertext: flip(Crypto.ciphertext) } },
      { ...content, Crypto: { ...Crypto, mac: flip(Crypto.mac) } },
      {
        ...content,
        Crypto: { ...Crypto, kdfparams: { ...Crypto.kdfparams, salt: flip(Crypto.kdfparams.salt) } },
      },
    ]) {
      await writeFile(file, JSON.stringify(altered));
      await expect(openKeystore(file, PASSWORD)).rejects.toEqual(rule("keystore.password"));
    }
    for (const text of [
      "",
      "{}",
      "[]",
      JSON.stringify({ ...content, version: 4 }),
      JSON.stringify({ ...content, address: "00".repeat(20) }),
      JSON.stringify({ ...content, address: undefined }),
      JSON.stringify({
        ...content,
        Crypto: { ...Crypto, cipherparams: { iv: flip(Crypto.cipherparams.iv) } },
      }),
    ]) {
      await writeFile(file, text);
      await expect(openKeystore(file, PASSWORD)).rejects.toEqual(rule("keystore.format"));
    }
  });
});

describe("secrets", () => {
  const scope = { chainId: 31_337n, ledger: `0x${"ab".repeat(20)}` };
  const master = Uint8Array.from({ length: 32 }, (_, i) => i);

  test("follow from the master secret alone", () => {
    const { spendSecret, entitySecret, rho } = accountSecrets(master, 1n, scope);
    expect({ spendSecret, entitySecret, rho }).toMatchInlineSnapshot(`
      {
        "entitySecret": 7255428613995767282159399025698497332247080308978076429173186481653774278920n,
        "rho": 5969139794819420975635269937088685707579329532257651278946478910667273056057n,
        "spendSecret": 426357802857005627506372557676023945175307753624900281260809198495281101717n,
      }
    `);
    expect(accountSecrets(master, 1n, { ...scope, ledger: `0x${"AB".repeat(20)}` })).toEqual(
      accountSecrets(master, 1n, scope),
    );
  });

  test("are all different, but for the entity's, which is one per institution", () => {
    const seen = new Set<bigint>();
    const scopes = [scope, { ...scope, chainId: 1n }, { ...scope, ledger: `0x${"cd".repeat(20)}` }];
    for (const number of [1n, 2n, 11n]) {
      for (const each of scopes) {
        const { spendSecret, entitySecret, rho } = accountSecrets(master, number, each);
        expect(entitySecret).toBe(entitySecretOf(master));
        for (const secret of [spendSecret, rho]) {
          expect(secret > 0n && secret < FIELD_ORDER).toBe(true);
          seen.add(secret);
        }
      }
    }
    expect(seen.size).toBe(18);
    expect(seen).not.toContain(entitySecretOf(master));
  });

  test("refuse a number or a master secret out of range", () => {
    expect(() => accountSecrets(master, 0n, scope)).toThrow(rule("secrets.number"));
    expect(() => accountSecrets(master, (1n << 32n) + 1n, scope)).toThrow(rule("secrets.number"));
    expect(() => entitySecretOf(master.slice(1))).toThrow(rule("secrets.master"));
  });
});
