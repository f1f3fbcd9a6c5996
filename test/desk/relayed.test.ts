import { Interface, verifyTypedData, Wallet } from "ethers";
import { describe, expect, test } from "vitest";
import { mostFeeOf } from "../../cli/account/relayer.ts";
import { DEPOSIT_TYPES, ledgerDomain, NOBODY } from "../../contracts/signing.ts";
import type { Transition } from "../../contracts/statements.ts";
import { SolvusError } from "../../protocol/errors.ts";
import { throughEpochs } from "../../services/account/again.ts";
import { relay, relayedTerms, withPayerSignature } from "../../services/account/relayed.ts";
import { abiOf } from "../../services/chain/artifacts.ts";
import type { Deployed } from "../../services/chain/deployment.ts";
import type { Item } from "../../services/relayer/items.ts";
import type { Quote } from "../../services/relayer/messages.ts";
import { someTransition } from "../relayer/someTransition.ts";
import { expectRule } from "./rule.ts";

const chain = { chainId: 31337n, ledger: "0x5FbDB2315678afecb367f032d93F642f64180aa3" };
const deployed = { chain } as never;
const relayer = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

describe("terms of a relayer", () => {
  const quoting = (more: Partial<Quote> = {}, transition = 50_000n) => ({
    quote: async (): Promise<Quote> => ({
      ...{ relayer, ...chain, fees: { opening: 0n, transition, takeOver: 0n }, validUntil: 0 },
      batch: { size: 16, ageMs: 0 },
      ...more,
    }),
  });

  test("are its address and fee", async () => {
    expect(await relayedTerms(quoting(), deployed)).toEqual({ relayer, fee: 50_000n });
    const lower = { ledger: chain.ledger.toLowerCase() };
    expect(await relayedTerms(quoting(lower, 5_000_000n), deployed)).toMatchObject({ fee: 5_000_000n });
  });

  test("are refused of another ledger, and above what the ledger lets it take", async () => {
    await expectRule("relayer.ledger", () => relayedTerms(quoting({ chainId: 1n }), deployed));
    await expectRule("relayer.ledger", () => relayedTerms(quoting({ ledger: relayer }), deployed));
    await expectRule("relayer.fee", () => relayedTerms(quoting({}, 5_000_001n), deployed));
  });

  test("are refused above what the owner is willing to pay, and no later than that", async () => {
    const most = 1_000_000n;
    expect(await relayedTerms(quoting({}, most), deployed, most)).toMatchObject({ fee: most });
    await expectRule("relayer.fee", () => relayedTerms(quoting({}, most + 1n), deployed, most));
    await expectRule("relayer.fee", () => relayedTerms(quoting({}, 5_000_001n), deployed, 2n ** 60n));
    expect(mostFeeOf({})).toBe(most);
    expect(mostFeeOf({ maxFee: "0.25" })).toBe(250_000n);
  });
});

test("a payer signs for this note, amount and deadline, and no other", async () => {
  const payer = Wallet.createRandom();
  const signals = { nullifier: 1n, commitment: 2n, asset: 0n, deposit: 3n } as Transition["signals"];
  const terms = { payer: payer.address, recipient: NOBODY, relayer, deadline: 99n };
  const proven: Transition = { tier: 0n, proof: [], signals, terms, payerSignature: "0x" };
  const { payerSignature, ...rest } = await withPayerSignature(deployed, payer, proven);
  expect({ ...rest, payerSignature: "0x" }).toEqual(proven);
  const domain = ledgerDomain(chain.chainId, chain.ledger);
  const said = { nullifier: 1n, commitment: 2n, asset: 0n, amount: 3n, deadline: 99n };
  const signer = (message: typeof said): string =>
    verifyTypedData(domain, DEPOSIT_TYPES, message, payerSignature);
  expect(signer(said)).toBe(payer.address);
  for (const field of Object.keys(said) as (keyof typeof said)[])
    expect(signer({ ...said, [field]: said[field] + 1n })).not.toBe(payer.address);
});

describe("an item that is handed over", () => {
  const face = new Interface(abiOf("ledger"));
  const item: Item = { kind: "transition", transition: someTransition() };
  /** The ledger's event of an item with these signals. */
  const logOf = ({ nullifier, commitment }: Transition["signals"]) => {
    const { inputs } = face.getEvent("Transitioned")!;
    const values = inputs.map(({ name, type }) =>
      name === "nullifier"
        ? nullifier
        : name === "commitment"
          ? commitment
          : type.endsWith("]")
            ? [1n, 2n]
            : 0n,
    );
    const { topics, data } = face.encodeEventLog("Transitioned", values);
    return { topics, data, transactionHash: "0x", blockNumber: 9, blockHash: "0x" };
  };
  const ledgerWith = (logs: object[], asked: number[] = []) =>
    ({
      deployment: { ledger: chain.ledger, fromBlock: 0 },
      ledger: { interface: face },
      provider: {
        getBlockNumber: async () => 9,
        getLogs: async () => (asked.push(1) > 1 ? logs : []),
      },
    }) as unknown as Deployed;
  const client = (told: unknown[] = []) => ({
    submit: async ({ kind }: Item) => ({ id: kind }),
    wait: async (...args: unknown[]) => {
      told.push(args);
      return { state: "mined" };
    },
  });

  test("is followed until the ledger shows it", async () => {
    const told: unknown[] = [];
    const asked: number[] = [];
    const deployed = ledgerWith([logOf((item.transition as Transition).signals)], asked);
    expect(await relay(client(told) as never, deployed, item, { minedMs: 5 })).toEqual({ state: "mined" });
    expect(told).toEqual([["transition", ["mined", "final"], 5]]);
    expect(asked).toHaveLength(2);
  });

  test("is not done because a relayer says so, nor because its note is spent otherwise", async () => {
    const { signals } = item.transition as Transition;
    for (const logs of [[], [logOf({ ...signals, commitment: signals.commitment + 1n })]]) {
      const relaying = relay(client() as never, ledgerWith(logs), item, { seenMs: 10 });
      await expect(relaying).rejects.toMatchObject({ rule: "relayer.notOnChain" });
    }
  });
});

describe("proving through epochs", () => {
  const failing = (times: number, rule: string) => {
    const made = { attempts: 0, again: 0 };
    const work = async (): Promise<number> => {
      made.attempts += 1;
      if (made.attempts <= times) throw new SolvusError(rule, "");
      return made.attempts;
    };
    const run = (): Promise<number> =>
      throughEpochs(work, () => {
        made.again += 1;
      });
    return { made, run };
  };

  test("goes on when an epoch has passed, three times in all", async () => {
    const twice = failing(2, "ledger.EpochNotLatest");
    expect(await twice.run()).toBe(3);
    expect(twice.made).toEqual({ attempts: 3, again: 2 });
    const always = failing(9, "ledger.PreviousSnapshotRefused");
    await expectRule("ledger.PreviousSnapshotRefused", always.run);
    expect(always.made.attempts).toBe(3);
  });

  test("stops at once for every other reason", async () => {
    const spent = failing(9, "ledger.NullifierSpent");
    await expectRule("ledger.NullifierSpent", spent.run);
    expect(spent.made).toEqual({ attempts: 1, again: 0 });
  });
});
