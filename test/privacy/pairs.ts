import { KIND } from "../../protocol/constants.ts";
import type { Leg } from "../../protocol/leg.ts";
import type { PlacedNote } from "../../protocol/liquidation.ts";
import { commitSnapshot } from "../../protocol/snapshot.ts";
import { StateTree } from "../../protocol/stateTree.ts";
import type { LedgerFixture } from "../support/ledgerFixture.ts";
import {
  linearRow,
  OPTION,
  PARAMETERS,
  PERPETUAL,
  SECOND_PERPETUAL,
  SETTLED_OPTION,
  SPOT,
  smallMarket,
} from "../support/syntheticMarket.ts";
import {
  type Act,
  accountOf,
  batches,
  clears,
  flags,
  later,
  moved,
  opens,
  posts,
  reveals,
  takesOver,
  trades,
  transacts,
} from "./acts.ts";

/*
 * Pairs of histories. Those of the first list differ in private values alone and must look alike; those of the second differ in one thing that
 * docs/threat-model.md says is published, and must differ in just that.
 */

/** Two histories to compare. */
export type Pair = readonly [readonly Act[], readonly Act[]];

const USDC = 1_000_000n;
const EMPTY_STATE_ROOT = new StateTree().root;
const MARKET = smallMarket();
/** Eight perpetuals of one underlying: an account with all of them needs the large tier. */
const WIDE = commitSnapshot(7n, PARAMETERS, [
  Array.from({ length: 8 }, (_, k) => linearRow(BigInt(30 + k), KIND.perpetual, 100n * USDC)),
]);

const leg = (id: bigint, size: bigint): Leg => ({ id, size, fundingIndex: id === PERPETUAL ? 500_000n : 0n });

/** A poor account without positions, and a rich one with one of everything, long and short, with pending funding and an expired option. */
const poor = accountOf(1, 900n * USDC);
const rich = accountOf(2, 7_654_321n * USDC, [
  leg(SPOT, 400n),
  { ...leg(PERPETUAL, -2_000n), fundingIndex: 499_000n },
  leg(OPTION, -3_000n),
  leg(SECOND_PERPETUAL, 5_000n),
  leg(SETTLED_OPTION, 77n),
]);
const middling = accountOf(3, 60_000n * USDC, [leg(SECOND_PERPETUAL, -9n)]);
const whale = accountOf(4, 90_000_000n * USDC, [leg(SPOT, 10_000n)]);
const maker = accountOf(8, 80_000_000n * USDC, [leg(SPOT, 9_000n)]);
const long = accountOf(9, 900n * USDC, [leg(PERPETUAL, 2n)]);
const short = accountOf(10, 900n * USDC, [leg(PERPETUAL, -2n)]);
/** Below its margin by a little with one leg; by much with others, the other way round. */
const weak = accountOf(5, -280n * USDC, [leg(PERPETUAL, 3n)]);
const weaker = accountOf(6, 103_000n * USDC, [leg(OPTION, -2_000n), leg(SECOND_PERPETUAL, -800n)]);
const bankrupt = accountOf(13, -301n * USDC, [leg(PERPETUAL, 3n)]);
const keeper = accountOf(7, 800_000n * USDC, [], 9n);
const richKeeper = accountOf(14, 3_000_000n * USDC, [], 9n);
const WHOLE = 65_536n;

/** Another account of the poor one's institution, and one of nobody's whom we know. */
const sister = { ...poor, note: { ...poor.note, rho: 77n, cash: 55n * USDC }, leafIndex: 4n };
const stranger = { ...accountOf(15, 55n * USDC), leafIndex: 4n };
/** One lot of each of the first perpetuals of the wide market. */
const wideLegs = (count: number): Leg[] =>
  Array.from({ length: count }, (_, k) => ({ id: BigInt(30 + k), size: 1n, fundingIndex: 0n }));

/** One lot of a perpetual at its mark; four legs in thousands of lots. */
const small = { legs: [{ id: PERPETUAL, size: 1n }], cash: -100n * USDC, salt: 5n };
const large = {
  legs: [
    { id: SPOT, size: 3_000n },
    { id: PERPETUAL, size: -1_200n },
    { id: OPTION, size: 900n },
    { id: SECOND_PERPETUAL, size: -4_000n },
  ],
  cash: -307_000n * USDC,
  salt: 6n,
};

const touch = (account: PlacedNote): Act => transacts(account, MARKET, {});
const deposit = (account: PlacedNote): Act => transacts(account, MARKET, { deposit: 5n * USDC });
const withdrawal = (account: PlacedNote): Act =>
  transacts(account, MARKET, { withdrawal: 4n * USDC, fee: USDC });

/** Differ in what must stay private. */
export const PRIVATE_PAIRS: Readonly<Record<string, Pair>> = {
  "balances, holdings and leverage behind a transition that moves nothing": [[touch(poor)], [touch(rich)]],
  "those behind a deposit and a withdrawal": [
    [deposit(poor), withdrawal(middling)],
    [deposit(rich), withdrawal(whale)],
  ],
  "instruments, sizes, signs, prices and number of legs of a trade, and both parties' books": [
    [trades(middling, poor, MARKET, small)],
    [trades(whale, maker, MARKET, large)],
  ],
  "which party of a trade buys": [
    [trades(middling, poor, MARKET, small)],
    [
      trades(middling, poor, MARKET, {
        ...small,
        legs: [{ id: PERPETUAL, size: -1n }],
        cash: 100n * USDC,
      }),
    ],
  ],
  "a trade that enlarges a position and one that closes it": [
    [trades(long, poor, MARKET, small)],
    [trades(short, poor, MARKET, small)],
  ],
  "whether two transitions are of one account or of two": [
    [touch(poor), touch(moved(poor, MARKET, {}).after)],
    [touch(poor), touch(middling)],
  ],
  "which entity opens an account, and which of its accounts": [[opens(1, 1n)], [opens(2, 40n)]],
  "how far below its margin a flagged account is, and what it holds": [[flags(weak)], [flags(weaker)]],
  "what a take-over takes, long or short, from whom, and into which account": [
    [takesOver(weak, keeper, MARKET, { slice: WHOLE, rate: 3_000n })],
    [takesOver(weaker, richKeeper, MARKET, { slice: WHOLE, rate: 3_000n })],
  ],
  "the accounts behind the items of a batch": [
    [
      batches(MARKET, [
        [poor, {}],
        [middling, { fee: USDC }],
        [long, {}],
      ]),
    ],
    [
      batches(MARKET, [
        [rich, {}],
        [whale, { fee: USDC }],
        [short, {}],
      ]),
    ],
  ],
};

/** Something that is published, as docs/threat-model.md lists it, and a pair of histories that differ in it. */
export interface Leak {
  pair: Pair;
  /** Names of everything public under which the two differ. */
  differs: readonly string[];
  /** Nothing else differs. */
  alone?: true;
}

const root =
  (which: "latest" | "previous") =>
  async ({ oracle }: LedgerFixture): Promise<{ snapshotRoot: bigint }> => {
    const [snapshotRoot] = await oracle.getFunction(which)();
    return { snapshotRoot };
  };
const naming = (signals: { stateRoot?: bigint; registryRoot?: bigint }): Act =>
  transacts(poor, MARKET, { withdrawal: 4n * USDC }, { signals: async () => signals });

/** By the first cell of the table "What the public sees". */
export const LEAKS: Readonly<Record<string, Leak>> = {
  "`Opened`: commitment, account tag, leaf index, escrow": {
    pair: [[opens(1, 1n)], [touch(poor)]],
    differs: ["function", "accountTag"],
  },
  "sender, relayer, payer, recipient, deadline": {
    pair: [
      [transacts(poor, MARKET, {})],
      [
        transacts(
          poor,
          MARKET,
          {},
          { terms: { recipient: `0x${"22".repeat(20)}`, deadline: 4_000_000_001n } },
        ),
      ],
    ],
    differs: ["deadline", "recipient"],
    alone: true,
  },
  "`nullifier` and new `commitment`": {
    pair: [[touch(poor)], [touch(poor), touch(middling)]],
    differs: ["transactions", "nullifier", "commitment"],
  },
  "`stateRoot`": {
    pair: [
      [touch(middling), naming({})],
      [touch(middling), naming({ stateRoot: EMPTY_STATE_ROOT })],
    ],
    differs: ["stateRoot"],
    alone: true,
  },
  "`snapshotRoot`": {
    pair: [
      [posts(), transacts(poor, MARKET, {}, { signals: root("latest") })],
      [posts(), transacts(poor, MARKET, {}, { signals: root("previous") })],
    ],
    differs: ["gas", "snapshotRoot"],
    alone: true,
  },
  "`registryRoot`": {
    pair: [[naming({ registryRoot: 5n })], [naming({ registryRoot: 6n })]],
    differs: ["registryRoot"],
    alone: true,
  },
  "`mode`": {
    pair: [
      [transacts(poor, MARKET, { deposit: 5n * USDC })],
      [transacts(poor, MARKET, { deposit: 5n * USDC, mode: 1n })],
    ],
    differs: ["gas", "mode"],
    alone: true,
  },
  "`asset`, `deposit`, `withdrawal`": {
    pair: [[deposit(poor)], [transacts(poor, MARKET, { deposit: 6n * USDC })]],
    differs: ["deposit", "holdings", "value"],
    alone: true,
  },
  "`fee`": {
    pair: [[transacts(poor, MARKET, { fee: 1n })], [transacts(poor, MARKET, { fee: 2n })]],
    differs: ["fee", "holdings", "value"],
    alone: true,
  },
  "`tradeTag`, `side`": {
    pair: [[trades(middling, poor, MARKET, small)], [touch(middling), touch(poor)]],
    differs: ["function", "tradeTag", "side"],
  },
  "circuit of the proof (tier)": {
    pair: [
      [transacts(accountOf(11, 900n * USDC, wideLegs(7)), WIDE, {})],
      [transacts(accountOf(11, 900n * USDC, wideLegs(8)), WIDE, {})],
    ],
    differs: ["gas", "tier"],
    alone: true,
  },
  "flag: `Flagged`, `FlagMoved`": {
    pair: [
      [flags(weak), transacts(weak, MARKET, { deposit: 300n * USDC })],
      [flags(weak), transacts(middling, MARKET, { deposit: 300n * USDC })],
    ],
    differs: ["nullifier"],
  },
  "clearing: `Cleared`, and the solvency proof's signals in calldata": {
    pair: [
      [flags(poor), clears(poor), flags(sister), clears(sister)],
      [flags(poor), clears(poor), flags(stranger), clears(stranger)],
    ],
    differs: ["entity"],
    alone: true,
  },
  "`TakenOver`": {
    pair: [
      [takesOver(weak, keeper, MARKET, { slice: WHOLE, rate: 3_000n })],
      [takesOver(bankrupt, keeper, MARKET, { slice: WHOLE, rate: 3_001n })],
    ],
    differs: ["deficit", "rate", "reward"],
  },
  "`Revealed`": { pair: [[reveals(weak)], [reveals(weaker)]], differs: ["words"] },
  "a batch: its items and their order, `Skipped` with its reason": {
    pair: [
      [
        batches(MARKET, [
          [poor, {}],
          [middling, { fee: 1n }],
          [long, {}],
        ]),
      ],
      [
        batches(MARKET, [
          [middling, { fee: 1n }],
          [poor, {}],
          [poor, {}],
        ]),
      ],
    ],
    differs: ["fee", "reason"],
  },
  "time and gas": {
    pair: [
      [touch(poor), touch(long)],
      [touch(poor), later(2, touch(long))],
    ],
    differs: ["minute"],
    alone: true,
  },
  "`SnapshotPosted`": { pair: [[posts(true)], [posts(false)]], differs: ["steady"] },
  "token balance of the ledger": {
    pair: [[withdrawal(poor)], [transacts(poor, MARKET, { withdrawal: 3n * USDC, fee: USDC })]],
    differs: ["holdings"],
  },
};

/** Published, and tells nothing: `words.test.ts` shows that such words look random. */
export const TELL_NOTHING = ["two escrow words"];
