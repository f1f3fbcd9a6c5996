import { type DepositAuthorization, signDeposit, type Terms } from "../../contracts/signing.ts";
import type { TakeOver, Transition, TransitionSignals } from "../../contracts/statements.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { type Batch, type LedgerFixture, type Opening, randomElement } from "./ledgerFixture.ts";
import type { Random } from "./random.ts";

/** A ledger in use, with what batches can be spoiled by. */
export interface World {
  fixture: LedgerFixture;
  /** Spot assets: one of a plain token, one of a token that keeps a fee. */
  spot: bigint;
  feeOnTransfer: bigint;
  /** Nullifiers that are spent, account tags that are used. */
  spent: bigint[];
  usedTags: bigint[];
  /** Snapshots posted, the latest last. */
  snapshots: bigint[];
}

/** Part of a batch: items of one kind that belong together. */
type Part = Partial<Batch>;

type Override = { signals?: Partial<TransitionSignals>; terms?: Partial<Terms>; unsigned?: boolean };

/** A ledger with cash and spot of three traders, a fund, some history. Bob submits. */
export async function busyWorld(fixture: LedgerFixture): Promise<World> {
  const { ethers, ledger, alice, bob, addresses } = fixture;
  const assets: bigint[] = [];
  for (const [name, parameters] of [
    ["TestToken", ["Ether", "ETH", 18]],
    ["FeeOnTransferToken", []],
  ] as const) {
    const token = await ethers.deployContract(name, [...parameters]);
    const asset = BigInt(assets.length + 1);
    await ledger.listAsset(asset, await token.getAddress(), 1000n);
    for (const trader of [alice, bob]) {
      await token.getFunction("mint")(trader.address, 10n ** 24n);
      await fixture.as(trader, token).approve(addresses.ledger, 10n ** 24n);
    }
    assets.push(asset);
  }
  const world: World = {
    fixture,
    spot: assets[0],
    feeOnTransfer: assets[1],
    spent: [],
    usedTags: [],
    snapshots: [],
  };
  for (const asset of [0n, world.spot]) {
    const deposit = await fixture.transition({ asset, deposit: 10n ** 9n }, { payer: alice.address });
    await fixture.as(alice).submit(deposit);
    world.spent.push(deposit.signals.nullifier);
  }
  const [proof, signals, terms] = await fixture.opening();
  await ledger.open(proof, signals, terms);
  world.usedTags.push(signals.accountTag);
  for (let epoch = 0; epoch < 2; epoch++) world.snapshots.push(await nextSnapshot(fixture));
  return world;
}

/** A batch of 1 to 16 items of any mix for Bob to submit. Each part is spoiled with this chance in 100. */
export async function randomBatch(world: World, random: Random, spoiled: number): Promise<Batch> {
  const { fixture } = world;
  const targets = Array.from({ length: 3 }, () => ({
    targetNullifier: randomElement(),
    targetLeafIndex: random.between(0n, 2n ** 28n - 1n),
  }));
  for (const { targetLeafIndex, targetNullifier } of targets) {
    await fixture.flag(targetLeafIndex, targetNullifier);
  }
  world.snapshots.push(await nextSnapshot(fixture));

  const batch: Batch = { openings: [], transitions: [], takeOvers: [] };
  const wanted = Number(random.between(1n, 16n));
  const size = (): number => batch.openings.length + batch.transitions.length + batch.takeOvers.length;
  while (size() < wanted) {
    const spoil = random.chance(spoiled, 100);
    const room = wanted - size();
    const make = random.pick([
      openingPart,
      transitionPart,
      transitionPart,
      tradePart,
      tradePart,
      takeOverPart,
    ]);
    const part = await make(world, random, spoil, batch, targets);
    if (partSize(part) > room) continue;
    batch.openings.push(...(part.openings ?? []));
    batch.transitions.push(...(part.transitions ?? []));
    batch.takeOvers.push(...(part.takeOvers ?? []));
  }
  return batch;
}

/** Posts a snapshot an epoch after the latest. */
async function nextSnapshot(fixture: LedgerFixture): Promise<bigint> {
  await fixture.advance(60);
  return fixture.postSnapshot();
}

function partSize({ openings = [], transitions = [], takeOvers = [] }: Part): number {
  return openings.length + transitions.length + takeOvers.length;
}

async function openingPart(world: World, random: Random, spoil: boolean, batch: Batch): Promise<Part> {
  const { fixture } = world;
  const tags = [...world.usedTags, ...batch.openings.map(({ signals }) => signals.accountTag)];
  const spoilings = [
    { signals: { accountTag: random.pick(tags) } },
    { signals: { epoch: 1n } },
    { signals: { registryRoot: randomElement() } },
    { signals: { stateRoot: randomElement() } },
    { signals: { commitment: 0n } },
    { signals: { commitment: FIELD_ORDER + 5n } },
    { terms: { relayer: fixture.carol.address } },
    { terms: { deadline: 1n } },
  ];
  const { signals = {}, terms = {} } = (spoil ? random.pick(spoilings) : {}) as {
    signals?: Partial<Opening["signals"]>;
    terms?: Partial<Terms>;
  };
  const [proof, allSignals, allTerms] = await fixture.opening(signals, terms);
  return { openings: [{ proof, signals: allSignals, terms: allTerms }] };
}

async function transitionPart(world: World, random: Random, spoil: boolean, batch: Batch): Promise<Part> {
  const override = spoil ? spoiledTransition(world, random, batch) : soundTransition(world, random);
  return { transitions: [await signed(world, override)] };
}

/** What an admissible transition may want, beside a fee. */
function soundTransition({ fixture, spot, snapshots }: World, random: Random): Override {
  const { alice, bob, carol } = fixture;
  const amount = random.between(1n, 1_000_000n);
  const asset = random.pick([0n, spot]);
  const fee = random.pick([0n, random.between(1n, 5_000_000n)]);
  return random.pick<Override>([
    { signals: { fee } },
    { signals: { fee, mode: 1n } },
    { signals: { fee, asset, deposit: amount }, terms: { payer: alice.address } },
    { signals: { fee, asset, deposit: amount }, terms: { payer: bob.address } },
    { signals: { fee, asset, withdrawal: amount }, terms: { recipient: carol.address } },
    {
      signals: { mode: 2n, snapshotRoot: random.pick(snapshots), asset, withdrawal: amount },
      terms: { recipient: alice.address },
    },
    { signals: { fee, snapshotRoot: snapshots.at(-2) } },
  ]);
}

/** What a ledger must refuse. */
function spoiledTransition(world: World, random: Random, batch: Batch): Override {
  const { alice, carol } = world.fixture;
  const nullifiers = [...world.spent, ...batch.transitions.map(({ signals }) => signals.nullifier)];
  const deposit = random.between(1n, 1_000_000n);
  return random.pick<Override>([
    { signals: { nullifier: random.pick(nullifiers) } },
    { signals: { nullifier: random.pick(nullifiers) + FIELD_ORDER } },
    { signals: { snapshotRoot: world.snapshots[0] } },
    { signals: { snapshotRoot: randomElement() } },
    { signals: { stateRoot: randomElement() } },
    { signals: { commitment: 0n } },
    { signals: { fee: 5_000_001n } },
    { signals: { mode: 3n } },
    { signals: { withdrawal: deposit } },
    { signals: { withdrawal: 2n ** 59n }, terms: { recipient: carol.address } },
    { signals: { asset: 77n, withdrawal: 1n }, terms: { recipient: carol.address } },
    { signals: { deposit }, terms: { payer: carol.address } },
    { signals: { deposit }, terms: { payer: alice.address }, unsigned: true },
    { signals: { deposit: 2n ** 60n }, terms: { payer: alice.address } },
    { signals: { deposit, registryRoot: randomElement() }, terms: { payer: alice.address } },
    { signals: { deposit: 1000n, asset: world.feeOnTransfer }, terms: { payer: alice.address } },
    { signals: { tradeTag: randomElement() } },
    { terms: { relayer: carol.address } },
    { terms: { deadline: 1n } },
  ]);
}

/** The sides of a trade, in a spoiled part more or fewer of them, or sides that are no pair. */
async function tradePart(world: World, random: Random, spoil: boolean, batch: Batch): Promise<Part> {
  const { alice, carol } = world.fixture;
  const tradeTag = randomElement();
  const money = random.pick<Override>([
    {},
    { signals: { deposit: 500n }, terms: { payer: alice.address } },
    { signals: { withdrawal: 500n }, terms: { recipient: carol.address } },
  ]);
  const side = (value: bigint, override: Override = {}): Promise<Transition> =>
    signed(world, {
      ...override,
      signals: { tradeTag, side: value, fee: 100_000n, ...override.signals },
    });
  const order = random.pick([0n, 1n]);
  if (!spoil) return { transitions: [await side(order), await side(1n - order, money)] };
  const both = random.pick<[bigint, Override][]>([
    [
      [0n, {}],
      [0n, {}],
    ],
    [
      [0n, {}],
      [2n, {}],
    ],
    [
      [0n, {}],
      [1n, { signals: { snapshotRoot: world.snapshots.at(-2) } }],
    ],
    [
      [0n, {}],
      [1n, {}],
      [0n, {}],
    ],
    [
      [0n, {}],
      [0n, {}],
      [1n, money],
    ],
    [[1n, {}]],
    [
      [0n, money],
      [1n, spoiledTransition(world, random, batch)],
    ],
    [
      [0n, spoiledTransition(world, random, batch)],
      [1n, money],
    ],
    [
      [0n, { signals: { nullifier: tradeTag } }],
      [1n, { signals: { nullifier: tradeTag } }],
    ],
  ]);
  const transitions: Transition[] = [];
  for (const [value, override] of both) {
    transitions.push(await side(value, { ...override, signals: { ...override.signals, tradeTag } }));
  }
  return { transitions };
}

async function takeOverPart(
  world: World,
  random: Random,
  spoil: boolean,
  batch: Batch,
  targets: Pick<TakeOver["signals"], "targetNullifier" | "targetLeafIndex">[],
): Promise<Part> {
  const { fixture, spent, snapshots } = world;
  const free = targets.filter(
    ({ targetNullifier }) =>
      !batch.takeOvers.some(({ signals }) => signals.targetNullifier === targetNullifier),
  );
  if (free.length === 0 && !spoil) return {};
  const target = random.pick(free.length > 0 ? free : targets);
  const sound = random.pick([
    {},
    { reward: 1000n, fee: 1000n },
    { deficit: 2000n, reward: 10n },
    { cured: 1n },
  ]);
  const spoilings: { signals?: Partial<TakeOver["signals"]>; terms?: Partial<Terms> }[] = [
    { signals: { targetLeafIndex: 2n ** 28n } },
    { signals: { targetNullifier: random.pick(spent) } },
    { signals: { keeperNullifier: random.pick(spent) } },
    { signals: { keeperNullifier: target.targetNullifier } },
    { signals: { snapshotRoot: snapshots.at(-2) } },
    { signals: { rate: 40_000n } },
    { signals: { reward: 10n ** 12n } },
    { signals: { fee: 5_000_001n } },
    { signals: { keeperCommitment: 0n } },
    { signals: { registryRoot: randomElement() } },
    { terms: { relayer: fixture.carol.address } },
    { terms: { deadline: 1n } },
  ];
  const { signals = {}, terms = {} } = spoil ? random.pick(spoilings) : {};
  return { takeOvers: [await fixture.takeOver({ ...target, ...sound, ...signals }, terms)] };
}

/** A proven transition; a deposit of Alice's carries her signature, as Bob submits it. */
async function signed({ fixture }: World, override: Override): Promise<Transition> {
  const { alice, chainId, addresses } = fixture;
  const transition = await fixture.transition(override.signals, override.terms);
  const { nullifier, commitment, asset, deposit } = transition.signals;
  if (deposit === 0n || override.unsigned || transition.terms.payer !== alice.address) return transition;
  const authorization: DepositAuthorization = {
    nullifier,
    commitment,
    asset,
    amount: deposit,
    deadline: transition.terms.deadline,
  };
  const payerSignature = await signDeposit(alice, chainId, addresses.ledger, authorization);
  return { ...transition, payerSignature };
}
