import { type Contract, type JsonRpcProvider, NonceManager, type Wallet } from "ethers";
import type { Transition as ProvenTransition } from "../../contracts/statements.ts";
import { type AccountPosition, followAccount, openedPosition } from "../../protocol/accountHistory.ts";
import { advanceLedger, type LedgerView, latestSnapshot, type SnapshotSource } from "../../protocol/chain.ts";
import { emptyHistory } from "../../protocol/ledgerHistory.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import type { TransitionRequest } from "../../protocol/transition.ts";
import type { Account } from "../../prover/account.ts";
import type { Prover } from "../../prover/prover.ts";
import { type AccountSecrets, firstNote } from "../../prover/secrets.ts";
import { proveOpening } from "../../services/account/open.ts";
import { relayedTerms, withPayerSignature } from "../../services/account/relayed.ts";
import { approve, NOTHING, proveTransition } from "../../services/account/transact.ts";
import { chainTime, type Deployed } from "../../services/chain/deployment.ts";
import { scopeOf } from "../../services/chain/reading.ts";
import type { RelayerClient } from "../../services/relayer/client.ts";

/** What owners on a local Solvus act with. One at a time: the view is brought forward in place. */
export interface OwnerSetting {
  deployed: Deployed;
  provider: JsonRpcProvider;
  prover: Prover;
  relayer: RelayerClient;
  view: LedgerView;
  snapshots: SnapshotSource;
}

/** An account of a local Solvus with what its owner acts with. */
export interface Owner {
  secrets: AccountSecrets;
  /** Pays for deposits; nothing on a local chain costs real money. */
  wallet: Wallet;
  /** Where the account was last seen; undefined before it is on the chain. */
  position?: AccountPosition;
}

/** Seconds of the chain for which a local owner's proof may be submitted. */
const LIFETIME = 600;
const COIN = "0x56bc75e2d63100000";

/** A view of a ledger before its first event; {@link advanceLedger} brings it forward. */
export const emptyView = (): LedgerView => ({ block: -1, history: emptyHistory() });

/** The account at its present note. Throws `account.notOpened` before its opening is on the chain. */
export async function presentAccount(setting: OwnerSetting, owner: Owner): Promise<Account> {
  const { deployed, view, snapshots } = setting;
  await advanceLedger(deployed.chain, view);
  const { secrets } = owner;
  const from = owner.position ?? openedPosition(view.history, firstNote(secrets));
  const followed = await followAccount(from, view.history, snapshots);
  owner.position = { note: followed.note, leafIndex: followed.leafIndex };
  return { secrets, scope: scopeOf(deployed), ...followed };
}

/** Proves an opening and hands it to the relayer; returns the submission's id. The registry is open. */
export async function submitOpening(setting: OwnerSetting, { secrets }: Owner): Promise<string> {
  const { deployed, prover, relayer } = setting;
  const terms = await relayedTerms(relayer, deployed);
  const { opening } = await proveOpening(deployed, prover, secrets, { relayer: terms.relayer });
  return (await relayer.submit({ kind: "opening", opening })).id;
}

/** A change of an account, proven on a snapshot, for the relayer's fee. What it deposits is signed by the owner's wallet. */
export async function proveChange(
  setting: OwnerSetting,
  owner: Owner,
  request: Partial<TransitionRequest>,
  snapshot: MarketSnapshot,
): Promise<ProvenTransition> {
  const { deployed, prover, relayer } = setting;
  const account = await presentAccount(setting, owner);
  const terms = await relayedTerms(relayer, deployed);
  const { address } = owner.wallet;
  const deadline = BigInt((await chainTime(deployed)) + LIFETIME);
  const whole = { ...NOTHING, fee: terms.fee, ...request };
  const payer = whole.deposit > 0n ? { payer: address } : {};
  const recipient = whole.withdrawal > 0n ? { recipient: address } : {};
  const parties = { ...payer, ...recipient, relayer: terms.relayer };
  const { proven } = await proveTransition(deployed, prover, account, whole, {
    snapshot,
    ...parties,
    deadline,
  });
  return whole.deposit === 0n ? proven : withPayerSignature(deployed, owner.wallet, proven);
}

/** As {@link proveChange} at the latest snapshot, handed to the relayer; returns the submission's id. */
export async function submitChange(
  setting: OwnerSetting,
  owner: Owner,
  request: Partial<TransitionRequest>,
): Promise<string> {
  const snapshot = await latestSnapshot(setting.deployed.chain);
  const transition = await proveChange(setting, owner, request, snapshot);
  return (await setting.relayer.submit({ kind: "transition", transition })).id;
}

/** Gives an owner's wallet coin for gas, and `units` smallest units of a test token that the ledger may take. */
export async function endow(
  { deployed, provider }: OwnerSetting,
  { wallet }: Owner,
  token: Contract,
  units: bigint,
): Promise<void> {
  await provider.send("hardhat_setBalance", [wallet.address, COIN]);
  const sender = new NonceManager(wallet.connect(provider));
  await (await (token.connect(sender) as Contract).mint(wallet.address, units)).wait();
  await approve(deployed.ledger, sender, token, units);
}

/** Moves the chain's clock to a time, Unix seconds; it may be there or past it already. */
export async function moveClock(
  { deployed, provider }: Pick<OwnerSetting, "deployed" | "provider">,
  time: number,
): Promise<void> {
  // Somebody else's transaction may take the block that was to have the time.
  while ((await chainTime(deployed)) < time) {
    try {
      await provider.send("evm_setNextBlockTimestamp", [Math.ceil(time)]);
      await provider.send("evm_mine", []);
    } catch (error) {
      if ((await chainTime(deployed)) < time) throw error;
    }
  }
}
