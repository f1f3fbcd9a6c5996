import { encryptChange } from "../../protocol/accountEscrow.ts";
import { BASE8, multiply } from "../../protocol/babyJubjub.ts";
import { SolvusError } from "../../protocol/errors.ts";
import { computeTakeOver, type PlacedNote, RESTORATION } from "../../protocol/liquidation.ts";
import { commitmentOf } from "../../protocol/note.ts";
import { encryptOpening } from "../../protocol/openEscrow.ts";
import { encryptKeeperChange, encryptTargetChange } from "../../protocol/takeOverEscrow.ts";
import { applyTransition, type Transition, type TransitionRequest } from "../../protocol/transition.ts";
import { accountSecrets, firstNote } from "../../prover/secrets.ts";
import { type Random, randomFrom } from "../support/random.ts";
import { OPTION, PERPETUAL, SECOND_PERPETUAL, SPOT, smallMarket } from "../support/syntheticMarket.ts";
import { changePlaintext, keeperPlaintext, type Published, targetPlaintext } from "./publishedPads.ts";

const ACCOUNTS = 5;
/** The last accounts hold cash alone, so that they can take over. */
const TRADERS = 3;
const NOTHING: TransitionRequest = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };
const SCOPE = { chainId: 1n, ledger: "0x1111111111111111111111111111111111111111" };
const COMMITTEE_KEY = multiply(BASE8, 271_828n);

/** A ledger's publications over a random history, and how many of each way to come by one. */
export interface PadHistory {
  published: Published[];
  landed: number;
  /** Published and never on the chain: refused, lapsed, replaced by another. */
  tried: number;
  /** Made once more after a re-org had taken them back, in whatever order. */
  reorganised: number;
  /** Made from an older note than the present one, as from a backup. */
  restored: number;
  takeOvers: number;
}

/** What lands: the account, what it asked for, and where everything stood before. */
interface Landing {
  account: number;
  request: TransitionRequest;
  positions: PlacedNote[];
  tail: bigint;
}

function changed(transition: Transition): Published {
  const { before, after } = transition;
  return { words: encryptChange(before, after), plaintext: changePlaintext(before, after) };
}

/** Few amounts and sizes, so that different ways lead to one note now and then. */
function someRequest(random: Random, account: number): TransitionRequest {
  if (account >= TRADERS || random.chance(1, 2)) {
    const asset = account < TRADERS && random.chance(1, 4) ? SPOT : 0n;
    const amount = random.pick([1n, 2n]) * (asset === 0n ? 1_000_000n : 1n);
    return { ...NOTHING, asset, [random.pick(["deposit", "deposit", "withdrawal"])]: amount };
  }
  const marks: [bigint, bigint][] = [
    [PERPETUAL, 100_000_000n],
    [OPTION, 30_000_000n],
    [SECOND_PERPETUAL, 50_000_000n],
  ];
  const legs = marks.filter(() => random.chance(1, 2));
  const chosen = (legs.length === 0 ? marks.slice(0, 1) : legs).map(([id, mark]) => ({
    id,
    mark,
    size: random.pick([1n, -1n]),
  }));
  const cash = chosen.reduce((sum, { size, mark }) => sum - size * mark, 0n);
  const trade = { legs: chosen.map(({ id, size }) => ({ id, size })), cash, salt: 1n };
  return { ...NOTHING, trade: { package: trade, side: 0 } };
}

/**
 * Drives accounts through a random history: openings, transitions, take-overs, publications that never land, re-orgs after which the same is done again
 * in another order, and publications from a backup. Everything that anybody could have seen is kept.
 */
export function runHistory(seed: number, steps: number): PadHistory {
  const random = randomFrom(seed);
  const markets = [smallMarket(), smallMarket({}, { perpetual: { fundingIndex: 510_000n } })] as const;
  let market = markets[0];
  const result: PadHistory = {
    published: [],
    landed: 0,
    tried: 0,
    reorganised: 0,
    restored: 0,
    takeOvers: 0,
  };
  let tail = 0n;
  let positions: PlacedNote[] = Array.from({ length: ACCOUNTS }, (_, account) => {
    const master = new Uint8Array(32).fill(account + 1);
    const empty = firstNote(accountSecrets(master, 1n, SCOPE));
    const escrow = encryptOpening(empty, commitmentOf(empty), COMMITTEE_KEY);
    result.published.push({ words: escrow.slice(2), plaintext: [empty.rho, empty.ownerKey, empty.entity] });
    // An opening puts two leaves into the queue.
    const place = { note: { ...empty, cash: 20_000_000_000n }, leafIndex: tail };
    tail += 2n;
    return place;
  });
  const landings: Landing[] = [];
  const backups: PlacedNote[][] = positions.map((position) => [position]);

  const attempt = (from: PlacedNote, request: TransitionRequest): Transition | undefined => {
    try {
      const transition = applyTransition(from.note, from.leafIndex, market, request);
      result.published.push(changed(transition));
      return transition;
    } catch (error) {
      if (error instanceof SolvusError) return undefined;
      throw error;
    }
  };
  const land = (account: number, request: TransitionRequest): boolean => {
    const transition = attempt(positions[account] as PlacedNote, request);
    if (transition === undefined) return false;
    landings.push({ account, request, positions: [...positions], tail });
    positions[account] = { note: transition.after, leafIndex: tail };
    tail += 1n;
    backups[account]?.push(positions[account]);
    result.landed++;
    return true;
  };
  const takeOver = (target: number, keeper: number): void => {
    const slice = random.pick([16_384n, 65_536n]);
    const request = { slice, rate: 3_276n, restoration: RESTORATION, fee: 0n };
    const [old, buyer] = [positions[target], positions[keeper]] as [PlacedNote, PlacedNote];
    const taken = computeTakeOver(old, buyer, market, request);
    result.published.push(
      {
        words: encryptTargetChange(taken.target.before, taken.target.after),
        plaintext: targetPlaintext(taken.target.after),
      },
      {
        words: encryptKeeperChange(taken.keeper.before, taken.keeper.after),
        plaintext: keeperPlaintext(taken.keeper.after),
      },
    );
    result.takeOvers++;
  };

  for (let step = 0; step < steps; step++) {
    const account = Number(random.between(0n, BigInt(ACCOUNTS - 1)));
    const present = positions[account] as PlacedNote;
    switch (random.between(0n, 9n)) {
      case 0n: // Handed in, refused by the chain or left to lapse; the next one is another.
        if (attempt(present, someRequest(random, account)) !== undefined) result.tried++;
        break;
      case 1n: {
        const old = random.pick(backups[account] as PlacedNote[]);
        if (old !== present && attempt(old, someRequest(random, account)) !== undefined) result.restored++;
        break;
      }
      case 2n: {
        const depth = Number(random.between(1n, 6n));
        const undone = landings.splice(-depth);
        const first = undone[0];
        if (first === undefined) break;
        positions = [...first.positions];
        tail = first.tail;
        // The same again, from the last to the first: what depends on nothing lands in the other order.
        for (const { account: who, request } of undone.reverse()) {
          if (land(who, request)) result.reorganised++;
        }
        break;
      }
      case 3n:
        if (account < TRADERS) takeOver(account, random.pick([3, 4]));
        break;
      case 4n:
        market = random.pick(markets);
        break;
      default:
        land(account, someRequest(random, account));
    }
  }
  return result;
}
