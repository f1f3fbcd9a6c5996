import { hexlify, keccak256 } from "ethers";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { signObservations } from "../../../contracts/signing.ts";
import { decodeInputs, encodeInputs } from "../../../protocol/inputsCodec.ts";
import { type Lie, type LyingHost, lyingHost, type Question } from "../../support/lyingHost.ts";
import { type Aggregator, leftOut, minute, present, source } from "./setting.ts";

/** What a host tells about the reporter at a place of the set. */
type Tell = (question: Question, place: number) => Promise<Lie> | Lie;

type HonestObservation = { prices: string[]; tradedAt: string[]; rest: string };

/** Lies when asked for `what`, and tells the truth otherwise. */
const on =
  (what: string, lie: (question: Question, honest: HonestObservation, place: number) => Promise<Lie> | Lie) =>
  async (question: Question, place: number): Promise<Lie> => {
    const { body, status } = await question.honest();
    return question.what === what ? lie(question, body as HonestObservation, place) : { status, body };
  };

/** The reporter itself signs, over inputs with another price band. */
const inAnotherListing = on("observations", async ({ body: asked }, honest, place) => {
  const { epoch, time, keys } = asked as { epoch: string; time: string; keys: string[] };
  const view = decodeInputs(Buffer.from(honest.rest.slice(2), "hex"));
  const rest = encodeInputs({ ...view, priceBand: view.priceBand * 2 });
  const { chain, deployment } = present.world.stage.deployed;
  const [signed] = await signObservations(
    [present.world.stage.reporters[place]!],
    chain.chainId,
    deployment.oracle,
    { epoch: BigInt(epoch), time: BigInt(time), keys: keys.map(BigInt) },
    [
      {
        prices: honest.prices.map(BigInt),
        tradedAt: honest.tradedAt.map(BigInt),
        restHash: keccak256(rest),
      },
    ],
  );
  const { restHash, signature } = signed!;
  return { body: { ...honest, restHash, signature, rest: hexlify(rest) } };
});

const SIGNED_ANOTHER: Lie = {
  status: 422,
  body: { error: { rule: "reporter.signedAnother", message: "so I say" } },
};

interface Liar {
  does: string;
  reason: string;
  tell: Tell;
}

const LIARS: Liar[] = [
  {
    does: "changes a price",
    reason: "observation observation.signer",
    tell: on("observations", (_, honest) => ({
      body: { ...honest, prices: honest.prices.map(() => "7") },
    })),
  },
  {
    does: "changes the other inputs",
    reason: "observation observation.rest",
    tell: on("observations", (_, honest) => ({ body: { ...honest, rest: "0x00" } })),
  },
  {
    does: "signs inputs with another price band",
    reason: "observation observation.listing",
    tell: inAnotherListing,
  },
  {
    does: "leaves prices out",
    reason: "observation observation.length",
    tell: on("observations", (_, honest) => ({ body: { ...honest, prices: [] } })),
  },
  {
    does: "answers no JSON",
    reason: "observation reporter.answer",
    tell: on("observations", () => ({ body: "<html>" })),
  },
  {
    does: "answers something else",
    reason: "observation reporter.answer",
    tell: on("observations", () => ({ body: { no: 1 } })),
  },
  {
    does: "answers too late",
    reason: "observation reporter.late",
    tell: on("observations", (_, honest) => ({ body: honest, afterMs: 3_000 })),
  },
  {
    does: "does not answer",
    reason: "observation reporter.late",
    tell: on("observations", () => "silence"),
  },
  {
    does: "signs something else",
    reason: "signature signature.signer",
    tell: on("signatures", () => ({ body: { signature: `0x${"11".repeat(64)}1b` } })),
  },
  { does: "does not sign", reason: "signature reporter.late", tell: on("signatures", () => "silence") },
  {
    does: "claims to have signed another header, and shows none",
    reason: "observation reporter.signedAnother",
    tell: on("observations", () => SIGNED_ANOTHER),
  },
  {
    does: "claims so too, and shows one with a signature that is not its own",
    reason: "observation reporter.signedAnother",
    tell: async (question) => {
      if (question.what === "observations") return SIGNED_ANOTHER;
      const { body, status } = await question.honest();
      if (question.what !== "pending") return { status, body };
      const { latest } = await present.world.readState();
      const { epoch, time, root, steady, inputsHash } = latest!.posted;
      const header = {
        epoch: String(epoch + 1n),
        time: String(time + 60n),
        snapshotRoot: String(root),
        pricesHash: inputsHash,
        inputsHash,
        steady,
      };
      const signature = `0x${"22".repeat(64)}1c`;
      return { body: { pending: { header, inputs: "0x", keys: [], observations: [], signature } } };
    },
  },
];

/** The liars two by two: an oracle of seven stands two. */
const PAIRS = LIARS.flatMap((first, place) =>
  place % 2 === 0 ? [[first, LIARS[place + 1]!] as [Liar, Liar]] : [],
);

/** Hosts that lie about two reporters. */
export function lyingSuite(): void {
  const truth: Tell = (question) => question.honest();
  const tell = new Map<number, Tell>();
  const hosts: LyingHost[] = [];
  let aggregator: Aggregator;

  beforeAll(async () => {
    const { reporters } = present.world.stage;
    const honest = await present.world.report(reporters.slice(0, 5), source);
    for (const place of [5, 6]) {
      const { url } = await present.world.report([reporters[place]!], source);
      hosts.push(await lyingHost(url, (question) => (tell.get(place) ?? truth)(question, place)));
    }
    // A second of grace: on a busy machine an honest answer takes a while, a late one three seconds.
    const rules = { graceMs: 1_000, answerMs: 6_000 };
    aggregator = await present.world.aggregate([honest.url, ...hosts.map(({ url }) => url)], { rules });
  });
  afterAll(async () => {
    await present.world.quiet();
    for (const host of hosts) await host.close();
  });

  test.each(PAIRS.map(([first, second]) => [first.does, second.does, first, second] as const))(
    "and one %s, another %s: both are left out, with the reason",
    async (_, __, first, second) => {
      tell.set(5, first.tell);
      tell.set(6, second.tell);
      await minute();
      const { reporters } = present.world.stage;
      expect(await leftOut(aggregator)).toEqual(
        [`${reporters[5]!.address} ${first.reason}`, `${reporters[6]!.address} ${second.reason}`].sort(),
      );
    },
  );

  test("and then tell the truth have their part again", async () => {
    tell.clear();
    await minute();
    expect(await leftOut(aggregator)).toEqual([]);
  });
}

/** Hosts that lie in the name of all reporters, beside the one that hosts them. */
export function impostorSuite(): void {
  beforeEach(minute);
  afterEach(() => present.world.quiet());

  test("stand in nobody's way", async () => {
    const reporters = await present.world.report(present.world.stage.reporters, source);
    const isListing = ({ what }: Question): boolean => what === "reporters";
    const hosts = [
      await lyingHost(reporters.url, (asked) => (isListing(asked) ? asked.honest() : { body: "garbage" })),
      await lyingHost(reporters.url, (asked) => (isListing(asked) ? asked.honest() : "silence")),
      await lyingHost(reporters.url, () => "silence"),
    ];
    const aggregator = await present.world.aggregate([...hosts.map(({ url }) => url), reporters.url]);
    expect(await leftOut(aggregator)).toEqual([]);
    await present.world.quiet();
    for (const host of hosts) await host.close();
  });
}
