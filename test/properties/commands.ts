import fc from "fast-check";
import { SolvusError } from "../../protocol/errors.ts";
import { applyTakeOver, RESTORATION, sliceBounds, WHOLE } from "../../protocol/liquidation.ts";
import { prepareTakeOver } from "../../protocol/liquidationInput.ts";
import { standingOf } from "../../protocol/solvency.ts";
import type { Side, TradePackage } from "../../protocol/trade.ts";
import { applyTransition, type Transition, type TransitionRequest } from "../../protocol/transition.ts";
import { prepareTransition } from "../../protocol/transitionInput.ts";
import { addLots, addWorth, type Books, compare } from "./books.ts";
import type { RulesCircuit } from "./rulesCircuit.ts";
import {
  type Account,
  IDS,
  OPTION,
  rowIn,
  SPOT,
  snapshotAt,
  spend,
  stateOf,
  type World,
  write,
} from "./world.ts";

/** One step of a sequence: `books` are the accountant's, `world` the protocol's. */
export type Step = fc.Command<Books, World>;

/** Circuits that every step is put to; none for quick runs. */
export interface Circuits {
  transition?: RulesCircuit;
  liquidation?: RulesCircuit;
}

/** The first accounts trade; the others hold cash, and take over what fails. */
const TRADERS = 4;
export const ACCOUNTS = 7;
const trader = fc.nat({ max: TRADERS - 1 });
const anybody = fc.nat({ max: ACCOUNTS - 1 });
const NOTHING: TransitionRequest = { mode: 0n, asset: 0n, deposit: 0n, withdrawal: 0n, fee: 0n };

/** A step from what it does; what the rules refuse leaves everything as it was. The books are compared after each. */
function step(name: string, text: string, run: (books: Books, world: World) => void): Step {
  return {
    check: () => true,
    run(books, world) {
      try {
        run(books, world);
        world.done.set(name, (world.done.get(name) ?? 0) + 1);
        world.afterStep?.(name);
      } catch (error) {
        if (!(error instanceof SolvusError)) throw error;
        world.done.set(error.rule, (world.done.get(error.rule) ?? 0) + 1);
      }
      compare(world, books);
    },
    toString: () => text,
  };
}

/** The model's transition of an account, which the circuit must accept too, and which must not leave the account below its margin. */
function transitionOf(
  world: World,
  { transition: circuit }: Circuits,
  of: Account,
  request: TransitionRequest,
): Transition {
  const transition = applyTransition(of.note, of.leafIndex, world.snapshot, request);
  const { input } = prepareTransition(transition, world.snapshot, {
    spendSecret: of.spendSecret,
    state: stateOf(world, of),
    context: 1n,
  });
  const refusal = circuit?.refusedAt(input);
  if (refusal !== undefined) throw new Error(`model: accepted; circuit: ${refusal}`);
  const { equity, margin } = standingOf(transition.after, world.snapshot);
  if (equity < margin.maintenance)
    throw new Error(`left at ${equity}, below its margin ${margin.maintenance}`);
  return transition;
}

/** What the transition that just landed did to the holdings of its account: expired legs are gone. */
function forgetSettled(books: Books, world: World, k: number): void {
  if (world.prices.settled) books.lots[k]?.delete(OPTION);
}

const flow = (circuits: Circuits): fc.Arbitrary<Step> =>
  fc
    .record({
      account: anybody,
      way: fc.constantFrom("deposit" as const, "withdrawal" as const),
      ofSpot: fc.nat({ max: 3 }).map((roll) => roll === 3),
      amount: fc.oneof(fc.bigInt({ min: 1n, max: 30n }), fc.bigInt({ min: 1n, max: 9_000_000_000n })),
      fee: fc.bigInt({ min: 0n, max: 3n }),
    })
    .map(({ account: k, way, ofSpot, amount: asked, fee }) => {
      const amount = ofSpot ? (asked % 30n) + 1n : asked;
      const what = ofSpot ? `${amount} lots of spot` : `${amount} micro-USDC`;
      return step(way, `account ${k}: ${way} of ${what}, fee ${fee}`, (books, world) => {
        const of = world.accounts[k] as Account;
        const request = { ...NOTHING, asset: ofSpot ? SPOT : 0n, [way]: amount, fee };
        const { after, nullifier } = transitionOf(world, circuits, of, request);
        spend(world, nullifier);
        write(world, [[of, after]]);
        const signed = way === "deposit" ? amount : -amount;
        if (ofSpot) {
          books.spot += signed;
          addLots(books, k, SPOT, signed, rowIn(world, SPOT).mark);
        } else {
          books.cash += signed;
          addWorth(books, k, signed);
        }
        books.cash -= fee;
        addWorth(books, k, -fee);
        forgetSettled(books, world, k);
      });
    });

const trade = (circuits: Circuits): fc.Arbitrary<Step> =>
  fc
    .record({
      first: trader,
      second: fc.nat({ max: TRADERS - 2 }),
      lots: fc.dictionary(
        fc.constantFrom(...[...IDS, ...IDS.slice(1), ...IDS.slice(1)].map(String)),
        fc.bigInt({ min: -300n, max: 300n }),
        { minKeys: 1, maxKeys: 2, noNullPrototype: true },
      ),
      off: fc.oneof(fc.constantFrom(0n, 1n, -1n), fc.bigInt({ min: -900_000n, max: 900_000n })),
      fee: fc.bigInt({ min: 0n, max: 3n }),
    })
    .map(({ first, second, lots, off, fee }) => {
      const other = second >= first ? second + 1 : second;
      const legs = Object.entries(lots)
        .map(([id, size]) => ({ id: BigInt(id), size }))
        .filter(({ size }) => size !== 0n)
        .sort((a, b) => Number(a.id - b.id));
      const what = legs.map(({ id, size }) => `${size} lots of ${id}`).join(", ");
      const text = `account ${first} receives ${what || "nothing"} from account ${other}, ${off} off the marks, fee ${fee}`;
      return step("trade", text, (books, world) => {
        const fair = legs.reduce((sum, { id, size }) => sum - size * rowIn(world, id).mark, 0n);
        const agreed: TradePackage = { legs, cash: fair + off, salt: BigInt(world.nextNode) };
        const parties = [first, other].map((k) => world.accounts[k] as Account) as [Account, Account];
        const sides = parties.map((of, side) =>
          transitionOf(world, circuits, of, {
            ...NOTHING,
            fee: side === 0 ? fee : 0n,
            trade: { package: agreed, side: side as Side },
          }),
        );
        for (const { nullifier } of sides) spend(world, nullifier);
        write(
          world,
          sides.map(({ after }, side) => [parties[side] as Account, after]),
        );
        for (const { id, size } of legs) {
          addLots(books, first, id, size, rowIn(world, id).mark);
          addLots(books, other, id, -size, rowIn(world, id).mark);
        }
        addWorth(books, first, agreed.cash - fee);
        addWorth(books, other, -agreed.cash);
        books.cash -= fee;
        for (const k of [first, other]) forgetSettled(books, world, k);
      });
    });

const epoch: fc.Arbitrary<Step> = fc
  .record({
    /** In thousandths of the mark, by instrument. */
    moves: fc.array(fc.bigInt({ min: -600n, max: 600n }), { minLength: IDS.length, maxLength: IDS.length }),
    funding: fc.array(
      fc.oneof(fc.bigInt({ min: -3n, max: 3n }), fc.bigInt({ min: -500_000n, max: 500_000n })),
      {
        minLength: 2,
        maxLength: 2,
      },
    ),
    settles: fc.nat({ max: 9 }).map((roll) => roll === 9),
  })
  .map(({ moves, funding, settles }) => {
    const text = `epoch: marks move by ${moves.join(", ")} thousandths, funding by ${funding.join(", ")}${settles ? ", the option expires" : ""}`;
    return step("epoch", text, (books, world) => {
      const { marks, indexes, settled } = world.prices;
      IDS.forEach((id, at) => {
        const mark = marks.get(id) as bigint;
        const expires = id === OPTION && settles && !settled;
        if (id === OPTION && settled) return;
        const moved = mark + (mark * (moves[at] as bigint)) / 1_000n;
        const next = expires ? 0n : moved > 1_000_000n ? moved : 1_000_000n;
        // At expiry the index pays what the option is worth by then.
        const paid = expires ? -moved : id === SPOT || id === OPTION ? 0n : (funding[at - 1] as bigint);
        marks.set(id, next);
        indexes.set(id, (indexes.get(id) as bigint) + paid);
        books.lots.forEach((held, k) => {
          addWorth(books, k, (held.get(id) ?? 0n) * (next - mark - paid));
        });
      });
      world.prices.settled ||= settles;
      if (world.prices.settled) for (const held of books.lots) held.delete(OPTION);
      world.snapshot = snapshotAt(world.snapshot.epoch + 1n, world.prices);
    });
  });

const takeOver = (circuits: Circuits): fc.Arbitrary<Step> =>
  fc
    .record({
      target: trader,
      keeper: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: TRADERS - 1, max: ACCOUNTS - 2 }) },
        { weight: 1, arbitrary: fc.nat({ max: ACCOUNTS - 2 }) },
      ),
      so: fc.constantFrom("most" as const, "least" as const, "whole" as const),
      rate: fc.bigInt({ min: 0n, max: 32_768n }),
      fee: fc.bigInt({ min: 0n, max: 3n }),
    })
    .map(({ target: k, keeper, so, rate, fee }) => {
      const other = keeper >= k ? keeper + 1 : keeper;
      const text = `account ${other} takes over ${so} of account ${k} at rate ${rate}, fee ${fee}`;
      return step("take-over", text, (books, world) => {
        const [of, by] = [world.accounts[k] as Account, world.accounts[other] as Account];
        const { equity, margin } = standingOf(of.note, world.snapshot);
        const terms = { rate, restoration: RESTORATION };
        const slice =
          so === "whole" || equity >= margin.maintenance
            ? WHOLE
            : sliceBounds(equity, margin.maintenance, terms)[so];
        const done = applyTakeOver(of, by, world.snapshot, { ...terms, slice, fee });
        const { input } = prepareTakeOver(done, world.snapshot, {
          spendSecret: by.spendSecret,
          state: {
            root: world.tree.root,
            targetPath: world.tree.path(of.leafIndex),
            keeperPath: world.tree.path(by.leafIndex),
          },
          context: 1n,
        });
        const refusal = circuits.liquidation?.refusedAt(input);
        if (refusal !== undefined) throw new Error(`model: accepted; circuit: ${refusal}`);

        // Never more than the exact share: what is rounded is rounded against whoever receives it.
        const { payment, deficit, reward } = done;
        const positive = equity > 0n ? equity : 0n;
        if (payment * WHOLE > slice * positive || deficit * WHOLE > slice * (positive - equity))
          throw new Error(`payment ${payment} or deficit ${deficit} above its share`);
        if (20n * reward * WHOLE > slice * margin.maintenance) throw new Error(`reward ${reward} above 5%`);

        spend(world, done.target.nullifier);
        spend(world, done.keeper.nullifier);
        write(world, [
          [of, done.target.after],
          [by, done.keeper.after],
        ]);
        for (const { id, taken, row } of done.legs) {
          if (taken === 0n) continue;
          addLots(books, k, id, -taken, row.mark);
          addLots(books, other, id, taken, row.mark);
        }
        // The legs were paid for at their marks.
        const worth = done.legs.reduce((sum, { taken, row }) => sum + taken * row.mark, 0n);
        addWorth(books, k, worth - payment + deficit);
        addWorth(books, other, -worth + payment + reward - fee);
        books.cash += deficit + reward - fee;
      });
    });

/** Gives every account of a new world its first cash, in the books as well. */
export function fund(circuits: Circuits, books: Books, world: World): void {
  for (const [k, of] of world.accounts.entries()) {
    const deposit = k < TRADERS ? 6_000_000_000n : 200_000_000_000n;
    const { after, nullifier } = transitionOf(world, circuits, of, { ...NOTHING, deposit });
    spend(world, nullifier);
    write(world, [[of, after]]);
    books.cash += deposit;
    addWorth(books, k, deposit);
  }
  compare(world, books);
}

/** Sequences of deposits, withdrawals, trades, epochs and take-overs among the accounts of a world. */
export function sequences(circuits: Circuits, length: number): fc.Arbitrary<Iterable<Step>> {
  const kinds = [
    flow(circuits),
    trade(circuits),
    trade(circuits),
    trade(circuits),
    epoch,
    takeOver(circuits),
  ];
  return fc.commands(kinds, { maxCommands: length, size: "max" });
}
