import type { Contract } from "ethers";
import type { Transition as ProvenTransition } from "../../contracts/statements.ts";
import { readLedger, type SnapshotSource } from "../../protocol/chain.ts";
import type { Registry } from "../../protocol/registryTree.ts";
import type { TradePackage } from "../../protocol/trade.ts";
import type { TransitionRequest } from "../../protocol/transition.ts";
import { type Account, recoverAccount } from "../../prover/account.ts";
import { openAccount } from "../../services/account/open.ts";
import { approve, NOTHING, proveTransition, submit, submitTrade } from "../../services/account/transact.ts";
import { insertClosedNodes, sealIfDue } from "../../services/chain/insertion.ts";
import { randomFieldElement } from "../account/secrets.ts";
import type { LocalChain } from "../chain/localChain.ts";
import type { Market } from "./market.ts";
import type { Institution } from "./people.ts";
import type { ListedAsset, Stage } from "./stage.ts";

/** A stage with its market and registry: all that the scenes of the demo act on. */
export interface Play extends Stage {
  local: LocalChain;
  market: Market;
  registry: Registry;
  snapshots: SnapshotSource;
}

/** Time and gas of one accepted transaction. */
export interface Cost {
  proveSeconds: number;
  gasUsed: bigint;
}

/** An institution's account as its secrets and the chain alone give it: nothing is kept between scenes. */
export async function accountOf({ deployed, snapshots }: Play, { secrets }: Institution): Promise<Account> {
  const { chain } = deployed;
  const scope = { chainId: chain.chainId, ledger: chain.ledger };
  return recoverAccount({ secrets, scope, view: await readLedger(chain), snapshots });
}

/** Lets half a minute of chain time pass, closes the open node and writes it: what was queued can be spent from now on. */
export async function writeQueue({ deployed, prover, relayer, local }: Play): Promise<{ gasUsed: bigint }> {
  await local.advance(30);
  await sealIfDue(deployed, relayer);
  const [gasUsed = 0n] = await insertClosedNodes(deployed, prover, relayer);
  return { gasUsed };
}

/** Opens an institution's account. */
export async function open(play: Play, owner: Institution): Promise<Cost> {
  const { deployed, prover, registry } = play;
  const { receipt, proveSeconds } = await openAccount(
    deployed,
    prover,
    owner.signer,
    owner.secrets,
    registry,
  );
  return { proveSeconds, gasUsed: receipt.gasUsed };
}

/** Deposits cash (micro-USDC) or lots of a spot asset, both minted to the owner first. */
export async function deposit(
  play: Play,
  owner: Institution,
  amount: bigint,
  asset?: ListedAsset,
): Promise<Cost> {
  const token = asset?.token ?? play.deployed.usdc;
  await mintAllowed(play, owner, token, amount * (asset?.unitsPerLot ?? 1n));
  return change(play, owner, { deposit: amount, asset: asset?.id ?? 0n });
}

/** Gives an institution smallest units of a token, which the ledger may take. */
export async function mintAllowed(
  { deployed, admin }: Play,
  { signer }: Institution,
  token: Contract,
  units: bigint,
): Promise<void> {
  await (await (token.connect(admin) as Contract).mint(signer.address, units)).wait();
  await approve(deployed.ledger, signer, token, units);
}

/** Proves and submits a change of one account. */
export async function change(
  play: Play,
  owner: Institution,
  request: Partial<TransitionRequest>,
): Promise<Cost> {
  const { deployed, prover, market, registry } = play;
  await market.keepFresh();
  const { address } = owner.signer;
  const { proven, proveSeconds } = await proveTransition(
    deployed,
    prover,
    await accountOf(play, owner),
    { ...NOTHING, ...request },
    { snapshot: market.snapshot, registry, payer: address, recipient: address },
  );
  const { gasUsed } = await submit(deployed, owner.signer, proven);
  return { proveSeconds, gasUsed };
}

/** A package with a fresh salt; legs by instrument id, as side 0 receives them. */
export function packageOf(legs: { id: bigint; size: bigint }[], cash: bigint): TradePackage {
  const ordered = [...legs].sort((one, other) => (one.id < other.id ? -1 : 1));
  return { legs: ordered, cash, salt: randomFieldElement() };
}

/** Each party proves its own side, and with it a deposit of cash (micro-USDC), if any, that it pays. */
export async function proveSides(
  play: Play,
  parties: readonly [Institution, Institution],
  agreed: TradePackage,
  deposits: readonly [bigint, bigint] = [0n, 0n],
): Promise<{ sides: [ProvenTransition, ProvenTransition]; proveSeconds: number }> {
  const { deployed, prover, market, registry } = play;
  await market.keepFresh();
  const prove = async (owner: Institution, side: 0 | 1) =>
    proveTransition(
      deployed,
      prover,
      await accountOf(play, owner),
      { ...NOTHING, deposit: deposits[side], trade: { package: agreed, side } },
      { snapshot: market.snapshot, registry, ...(deposits[side] > 0n && { payer: owner.signer.address }) },
    );
  const first = await prove(parties[0], 0);
  const second = await prove(parties[1], 1);
  return {
    sides: [first.proven, second.proven],
    proveSeconds: first.proveSeconds + second.proveSeconds,
  };
}

/** Each party proves its own side; anybody submits the two together. */
export async function trade(
  play: Play,
  parties: readonly [Institution, Institution],
  agreed: TradePackage,
): Promise<Cost> {
  const { sides, proveSeconds } = await proveSides(play, parties, agreed);
  const { gasUsed } = await submitTrade(play.deployed, play.relayer, ...sides);
  return { proveSeconds, gasUsed };
}
