import {
  type LedgerView,
  latestSnapshot,
  readLedger,
  type SnapshotSource,
  snapshotsOf,
} from "../../protocol/chain.ts";
import type { MarketSnapshot } from "../../protocol/snapshot.ts";
import { type Account, recoverAccount } from "../../prover/account.ts";
import type { AccountSecrets, LedgerScope } from "../../prover/secrets.ts";
import { readJson } from "../files.ts";
import { attach, type Deployed, deploymentSchema } from "./deployment.ts";
import { withRpc } from "./rpc.ts";

/** Where a Solvus is: an endpoint and a deployment file. */
export interface ChainPlace {
  rpc: string;
  deployment: string;
}

/** A connection to a deployed Solvus. */
export interface Reading {
  deployed: Deployed;
  snapshots: SnapshotSource;
  view(): Promise<LedgerView>;
  latest(): Promise<MarketSnapshot>;
}

/** What can be read of a deployed Solvus. */
export function readingOf(deployed: Deployed): Reading {
  const { chain } = deployed;
  return {
    deployed,
    snapshots: snapshotsOf(chain),
    view: () => readLedger(chain),
    latest: () => latestSnapshot(chain),
  };
}

/** Connects, works, disconnects. */
export function withReading<T>(place: ChainPlace, work: (reading: Reading) => Promise<T>): Promise<T> {
  const deployment = readJson(place.deployment, "--deployment", deploymentSchema);
  return withRpc(place.rpc, async (provider) => work(readingOf(await attach(provider, deployment))));
}

/** The snapshot that deposits and withdrawals are proven on: the latest, or the one on which the ledger winds down, for ever. */
export async function flowSnapshot({
  deployed: { ledger, oracle },
  snapshots,
  latest,
}: Pick<Reading, "snapshots" | "latest"> & {
  deployed: Pick<Deployed, "ledger" | "oracle">;
}): Promise<MarketSnapshot> {
  const epoch: bigint = await ledger.windDownEpoch();
  return epoch === 0n ? latest() : snapshots((await oracle.snapshotAt(epoch)).root);
}

export function scopeOf({ chain }: Deployed): LedgerScope {
  return { chainId: chain.chainId, ledger: chain.ledger };
}

/** The account as its secrets and the chain alone give it. */
export async function accountOf(
  { deployed, snapshots, view }: Reading,
  secrets: AccountSecrets,
): Promise<Account> {
  return recoverAccount({ secrets, scope: scopeOf(deployed), view: await view(), snapshots });
}
