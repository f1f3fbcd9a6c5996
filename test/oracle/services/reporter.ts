import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Signer } from "ethers";
import { keccak256 } from "ethers";
import { beforeEach, describe, expect, test } from "vitest";
import { signObservations } from "../../../contracts/signing.ts";
import { SolvusError } from "../../../protocol/errors.ts";
import { decodeInputs, encodeInputs } from "../../../protocol/inputsCodec.ts";
import type { UnderlyingInputs } from "../../../protocol/marketInputs.ts";
import { buildSnapshot } from "../../../protocol/snapshot.ts";
import { CALLER_HEADER, callerHeader } from "../../../services/oracle/callers.ts";
import { closesSource } from "../../../services/oracle/closesSource.ts";
import {
  type ComputedEpoch,
  computeEpoch,
  type ExpectedEpoch,
  expectedEpoch,
  type Proposal,
  type SubmittedObservation,
  usableObservation,
} from "../../../services/oracle/epoch.ts";
import { openJournal } from "../../../services/oracle/journal.ts";
import { makeReporter, type Reporter, type ReporterSetting } from "../../../services/oracle/reporter.ts";
import { type RemoteReporter, reportersAt } from "../../../services/oracle/reporterClient.ts";
import { makeEpoch } from "../../../services/oracle/round.ts";
import { present, source } from "./setting.ts";

const rule = async (act: Promise<unknown>): Promise<string> => {
  try {
    await act;
    return "none";
  } catch (error) {
    if (error instanceof SolvusError) return error.rule;
    throw error;
  }
};

/** A reporter of a key, with its journal in a directory: the same directory again is the reporter after a restart. */
async function reporterOf(
  signer: Signer,
  directory: string,
  overrides: Partial<ReporterSetting> = {},
): Promise<Reporter> {
  const { chain, deployment } = present.world.stage.deployed;
  const owner = {
    chainId: chain.chainId,
    oracle: deployment.oracle,
    reporter: await signer.getAddress(),
  };
  const journal = openJournal(directory, owner);
  return makeReporter({
    signer,
    source,
    readState: present.world.readState,
    journal,
    epochSeconds: 60,
    ...overrides,
  });
}

let directories: string[];
let reporters: Reporter[];
let expected: ExpectedEpoch;
let observations: SubmittedObservation[];
let honest: ComputedEpoch;

/** What follows from some observations, as an honest aggregator would propose it. */
async function propose(some: readonly SubmittedObservation[]): Promise<ComputedEpoch> {
  const state = await present.world.readState();
  return computeEpoch(
    state,
    expected,
    some.map((observation) => usableObservation(state, expected, observation)),
  );
}

/** Observes the next epoch at the chain's present time. */
async function observe(): Promise<void> {
  const state = await present.world.readState();
  expected = expectedEpoch(state, BigInt(state.time), undefined);
  const { epoch, time, keys } = expected;
  observations = await Promise.all(reporters.map((reporter) => reporter.observe({ epoch, time, keys })));
  honest = await propose(observations);
}

/** What one reporter signs, and what it refuses to. */
export function reporterSuite(): void {
  beforeEach(async () => {
    await present.world.local.advance(300);
    directories = present.world.stage.reporters.map(() => present.world.directory());
    reporters = await Promise.all(
      present.world.stage.reporters.map((signer, place) => reporterOf(signer, directories[place] as string)),
    );
    await observe();
  });

  describe("a reporter", () => {
    test("signs what follows from the observations, and the same again", async () => {
      const [reporter] = reporters as [Reporter];
      const signature = await reporter.sign(honest);
      expect(await reporter.sign(honest)).toBe(signature);
      const { header } = (await reporter.pending())!;
      expect(header).toEqual(honest.header);
    });

    test.each<[string, (honest: ComputedEpoch) => Proposal | Promise<Proposal>, string]>([
      ["root", (it) => altered(it, { snapshotRoot: it.header.snapshotRoot + 1n }), "proposal.snapshotRoot"],
      ["steadiness", (it) => altered(it, { steady: !it.header.steady }), "proposal.steady"],
      ["hash of prices", (it) => altered(it, { pricesHash: keccak256("0x01") }), "proposal.pricesHash"],
      ["hash of inputs", (it) => altered(it, { inputsHash: keccak256("0x01") }), "proposal.inputsHash"],
      ["inputs", (it) => ({ ...it, inputs: it.inputs.slice(1) }), "proposal.inputs"],
      ["keys", (it) => ({ ...it, keys: it.keys.slice(1) }), "proposal.keys"],
      ["epoch", (it) => altered(it, { epoch: it.header.epoch + 1n }), "reporter.epoch"],
      ["epoch of before", (it) => altered(it, { epoch: it.header.epoch - 1n }), "reporter.epoch"],
      ["time, by a second", (it) => altered(it, { time: it.header.time + 1n }), "observation.signer"],
      ["time in the future", (it) => altered(it, { time: it.header.time + 60n }), "reporter.time"],
      ["time of long ago", (it) => altered(it, { time: it.header.time - 200n }), "reporter.time"],
      [
        "volatility, with root and hash to match",
        (it) => {
          const inputs = decodeInputs(it.inputs);
          const [bitcoin] = inputs.underlyings;
          const scan = { ...bitcoin!.scan, realizedVolatility: 1 } as UnderlyingInputs["scan"];
          const underlyings = [{ ...bitcoin!, scan }, ...inputs.underlyings.slice(1)];
          const calm = { ...inputs, underlyings };
          const bytes = encodeInputs(calm);
          const header = { snapshotRoot: buildSnapshot(calm).root, inputsHash: keccak256(bytes) };
          return { ...altered(it, header), inputs: bytes };
        },
        "proposal.snapshotRoot",
      ],
      [
        "price in an observation",
        (it) => withFirst(it, (first) => ({ ...first, prices: first.prices.map((price) => price * 2n) })),
        "observation.signer",
      ],
      [
        "inputs of an observation",
        (it) => withFirst(it, (first) => ({ ...first, rest: first.rest.slice(1) })),
        "observation.rest",
      ],
      [
        "observation that is there twice",
        (it) => ({ ...it, observations: [...it.observations, it.observations[0] as SubmittedObservation] }),
        "oracle.twice",
      ],
      [
        "number of observations, below the quorum",
        (it) => ({ ...it, observations: it.observations.slice(0, 4) }),
        "oracle.quorum",
      ],
      ["observation of somebody who is no reporter", withOutsider, "observation.signer"],
    ])("does not sign another %s", async (_, tamper, refusal) => {
      const [reporter] = reporters as [Reporter];
      expect(await rule(reporter.sign(await tamper(honest)))).toBe(refusal);
      expect(await reporter.pending()).toBeUndefined();
    });

    test("signs for the others when its own observation is left out", async () => {
      const [first, ...others] = reporters as [Reporter, ...Reporter[]];
      const without = await propose(observations.slice(1));
      expect(await rule(first.sign(without))).toBe("none");
      expect(await rule((others[0] as Reporter).sign(without))).toBe("none");
    });

    test("does not sign when its key has observed elsewhere", async () => {
      const elsewhere = await reporterOf(present.world.stage.reporters[0]!, present.world.directory());
      expect(await rule(elsewhere.sign(honest))).toBe("reporter.ownObservation");
    });

    test("refuses to observe what is not next, not now, too early or not listed", async () => {
      const [reporter] = reporters as [Reporter];
      const { epoch, time, keys } = expected;
      const asked = (change: Partial<typeof expected>) =>
        rule(reporter.observe({ epoch, time: time + 1n, keys, ...change }));
      expect(await asked({ epoch: epoch + 1n })).toBe("reporter.epoch");
      expect(await asked({ time: time + 60n })).toBe("reporter.time");
      expect(await asked({ time: time - 100n })).toBe("reporter.time");
      expect(await asked({ keys: [1n] })).toBe("reporter.keys");
      expect(await asked({})).toBe("none");
      const strict = await reporterOf(present.world.stage.reporters[0]!, present.world.directory(), {
        epochSeconds: 1_000_000,
      });
      expect(await rule(strict.observe({ epoch, time, keys }))).toBe("reporter.early");
      const outsider = await reporterOf(present.world.stage.traders[0]!, present.world.directory());
      expect(await rule(outsider.observe({ epoch, time, keys }))).toBe("reporter.unregistered");
    });

    test("has one answer to one question, also after a restart with another source", async () => {
      const { epoch, time, keys } = expected;
      const other = closesSource({ interval: 1, series: new Map([["BTC", [{ time: 1, price: 9 }]]]) });
      const again = await reporterOf(present.world.stage.reporters[0]!, directories[0] as string, {
        source: other,
      });
      expect(await again.observe({ epoch, time, keys })).toEqual(observations[0]);
    });
  });

  describe("a second header of an epoch", () => {
    let second: ComputedEpoch;
    let first: ComputedEpoch;
    beforeEach(async () => {
      first = honest;
      await present.world.local.advance(2);
      await observe();
      second = honest;
      expect(second.header.time).toBeGreaterThan(first.header.time);
    });

    test("is not signed, before and after a restart, until the first cannot be posted any more", async () => {
      const [reporter] = reporters as [Reporter];
      await reporter.sign(first);
      expect(await rule(reporter.sign(second))).toBe("reporter.signedAnother");
      const restart = () => reporterOf(present.world.stage.reporters[0]!, directories[0] as string);
      const again = await restart();
      expect(await rule(again.sign(second))).toBe("reporter.signedAnother");
      expect(await rule(again.sign(first))).toBe("none");
      const { epoch, keys } = expected;
      const { time } = await present.world.readState();
      expect(await rule(again.observe({ epoch, time: BigInt(time), keys }))).toBe("none");
      await present.world.local.advance(100);
      expect(
        await rule(again.observe({ epoch, time: BigInt((await present.world.readState()).time), keys })),
      ).toBe("reporter.signedAnother");
      await present.world.local.advance(120);
      await observe();
      expect(await rule((await restart()).sign(honest))).toBe("none");
    });

    test("is not signed when both are asked for at once", async () => {
      const [reporter] = reporters as [Reporter];
      const outcomes = await Promise.all([rule(reporter.sign(first)), rule(reporter.sign(second))]);
      expect(outcomes.sort()).toEqual(["none", "reporter.signedAnother"]);
    });

    test.each(["computed", "signed"])(
      "can be signed when the reporter died at %s of the first",
      async (stage) => {
        const dying = await reporterOf(present.world.stage.reporters[0]!, directories[0] as string, {
          onStage: (reached) => {
            if (reached === stage) throw new SolvusError("test.killed", "killed");
          },
        });
        expect(await rule(dying.sign(first))).toBe("test.killed");
        const again = await reporterOf(present.world.stage.reporters[0]!, directories[0] as string);
        expect(await rule(again.sign(second))).toBe("none");
      },
    );

    test("is not signed when the reporter died after the first was kept, before it answered", async () => {
      const dying = await reporterOf(present.world.stage.reporters[0]!, directories[0] as string, {
        onStage: (reached) => {
          if (reached === "persisted") throw new SolvusError("test.killed", "killed");
        },
      });
      expect(await rule(dying.sign(first))).toBe("test.killed");
      const again = await reporterOf(present.world.stage.reporters[0]!, directories[0] as string);
      expect(await rule(again.sign(second))).toBe("reporter.signedAnother");
      expect((await again.pending())?.header).toEqual(first.header);
    });
  });

  test("two that answer at once, and saw nothing, do not keep an aggregator from those that take a while", async () => {
    const { stage, readState } = present.world;
    const { chain, deployment } = stage.deployed;
    const asked = new Map<number, number>();
    const remotes = reporters.map(
      (reporter, place): RemoteReporter => ({
        ...reporter,
        async observe(request) {
          asked.set(place, (asked.get(place) ?? 0) + 1);
          const honestly = await reporter.observe(request);
          if (place >= 5) await new Promise((resolve) => setTimeout(resolve, 150));
          if (place >= 2) return honestly;
          const none = request.keys.map(() => 0n);
          const [signed] = await signObservations(
            [stage.reporters[place]!],
            chain.chainId,
            deployment.oracle,
            request,
            [{ prices: none, tradedAt: none, restHash: honestly.restHash }],
          );
          return { ...signed!, rest: honestly.rest };
        },
      }),
    );
    const state = await readState();
    const patience = { answerMs: 10_000, graceMs: 5 };
    const { computed, signatures } = await makeEpoch({
      ...{ reporters: remotes, state, time: BigInt(state.time), patience },
    });
    expect(computed.prices).toEqual(honest.prices);
    expect(computed.observations).toHaveLength(7);
    expect(signatures).toHaveLength(5);
    expect([asked.get(0), asked.get(6)]).toEqual([2, 2]);
  });

  describe("reporters that know their aggregators", () => {
    test("answer them, and nobody else, and no question that was altered", async () => {
      const { relayer, traders, reporters: signers } = present.world.stage;
      const [stranger] = traders as [HardhatEthersSigner];
      const { url, stop } = await present.world.report(signers.slice(0, 1), source, {
        aggregators: [relayer.address],
      });
      const asked = async (caller: Signer) => {
        const [remote] = (await reportersAt(url, caller, 2_000)) as [RemoteReporter];
        const { epoch, time, keys } = expected;
        return rule(remote.observe({ epoch, time, keys }, 2_000));
      };
      expect(await asked(relayer)).toBe("none");
      expect(await asked(stranger)).toBe("reporter.caller");
      const path = `/v1/reporters/${signers[0]!.address}/pending`;
      const get = async (header: string, at = path) => {
        const response = await fetch(`${url}${at}`, { headers: { [CALLER_HEADER]: header } });
        return response.status;
      };
      const good = await callerHeader(relayer, path, undefined);
      expect(await get(good)).toBe(200);
      expect(await get(await callerHeader(relayer, `${path}x`, undefined))).toBe(422);
      expect(await get(await callerHeader(relayer, path, {}))).toBe(422);
      expect(await get(good.replace(/^\d+/, (seconds) => String(Number(seconds) - 100)))).toBe(422);
      expect(await get("")).toBe(422);
      expect(await get("", path.replace("reporters", "%72eporters"))).toBe(422);
      expect(await get(`${Math.floor(Date.now() / 1000)}.0x${"00".repeat(65)}`)).toBe(422);
      expect((await fetch(`${url}/health`)).status).toBe(200);
      expect((await fetch(`${url}/v1/reporters`)).status).toBe(200);
      await stop();
    });
  });

  describe("a reporter's journal", () => {
    const open = (directory: string, change = {}) => {
      const { chain, deployment } = present.world.stage.deployed;
      const owner = { chainId: chain.chainId, oracle: deployment.oracle, reporter: reporters[0]!.address };
      return openJournal(directory, { ...owner, ...change });
    };
    const refusal = (act: () => unknown): string => {
      try {
        act();
        return "none";
      } catch (error) {
        return (error as SolvusError).rule;
      }
    };

    test("is refused for another chain or oracle, and when it is none", async () => {
      const [directory] = directories as [string];
      expect(refusal(() => open(directory))).toBe("none");
      expect(refusal(() => open(directory, { chainId: 1n }))).toBe("reporter.journal");
      expect(refusal(() => open(directory, { oracle: reporters[1]!.address }))).toBe("reporter.journal");
      const file = join(directory, `${reporters[0]!.address.toLowerCase()}.json`);
      const text = readFileSync(file, "utf8");
      writeFileSync(file, text.slice(0, 100));
      expect(refusal(() => open(directory))).toBe("file.json");
      writeFileSync(file, text.replace('"version":1', '"version":2'));
      expect(refusal(() => open(directory))).toBe("file.format");
    });

    test("keeps the last epochs, and refuses one that is long past: another chain has begun", () => {
      const journal = open(present.world.directory());
      const header = (epoch: bigint) => ({ ...honest.header, epoch });
      const signed = (epoch: bigint) => ({
        ...honest,
        header: header(epoch),
        signature: `0x${"00".repeat(65)}`,
      });
      for (let epoch = 1n; epoch <= 20n; epoch++) journal.recordSigned(signed(epoch), 0);
      expect(journal.signed(20n)).toBeDefined();
      expect(journal.signed(10n)).toBeUndefined();
      expect(refusal(() => journal.requireFree(header(3n), 2 ** 40))).toBe("reporter.journal");
      expect(refusal(() => journal.requireFree(header(21n), 0))).toBe("none");
    });

    test("forgets what was observed at times that no header can have any more", () => {
      const directory = present.world.directory();
      const journal = open(directory);
      const [observation] = observations as [SubmittedObservation];
      for (const time of [1_000n, 1_100n, 1_210n]) journal.recordObserved(5n, time, [1n], observation);
      expect(journal.observed(5n, 1_000n, [1n])).toEqual(observation);
      journal.recordObserved(5n, 1_211n, [1n], observation);
      for (const kept of [journal, open(directory)])
        expect([1_000n, 1_100n, 1_211n].map((time) => kept.observed(5n, time, [1n]) !== undefined)).toEqual([
          false,
          true,
          true,
        ]);
    });

    test("is of one process", async () => {
      const directory = present.world.directory();
      const options = { dataDirectory: directory };
      const running = await present.world.report(present.world.stage.reporters.slice(0, 1), source, options);
      await expect(
        present.world.report(present.world.stage.reporters.slice(0, 1), source, options),
      ).rejects.toMatchObject({
        rule: "store.locked",
      });
      await running.stop();
      await (await present.world.report(present.world.stage.reporters.slice(0, 1), source, options)).stop();
    });
  });
}

function altered(proposal: ComputedEpoch, header: Partial<ComputedEpoch["header"]>): Proposal {
  return { ...proposal, header: { ...proposal.header, ...header } };
}

function withFirst(
  proposal: ComputedEpoch,
  change: (first: SubmittedObservation) => SubmittedObservation,
): Proposal {
  const [first, ...others] = proposal.observations as [SubmittedObservation, ...SubmittedObservation[]];
  return { ...proposal, observations: [change(first), ...others] };
}

async function withOutsider(proposal: ComputedEpoch): Promise<Proposal> {
  const [first, ...others] = proposal.observations as [SubmittedObservation, ...SubmittedObservation[]];
  const { chain, deployment } = present.world.stage.deployed;
  const [signed] = await signObservations(
    [present.world.stage.traders[0]!],
    chain.chainId,
    deployment.oracle,
    expected,
    [first],
  );
  return { ...proposal, observations: [{ ...signed!, rest: first.rest }, ...others] };
}
