import { SolvusError } from "../../protocol/errors.ts";
import type { Deployed } from "../chain/deployment.ts";
import type { Store } from "../store/store.ts";

/**
 * Binds a store to the ledger that it is first used with. Throws `relayer.otherChain` for another one: a chain that was started anew counts as
 * another, by its first block.
 */
export async function requireSameChain(store: Store, { deployment, provider }: Deployed): Promise<void> {
  const genesis = await provider.getBlock(0);
  const ledger = `${deployment.chainId} ${deployment.ledger.toLowerCase()} ${genesis?.hash}`;
  await store.query("INSERT INTO setting (name, value) VALUES ('ledger', $1) ON CONFLICT (name) DO NOTHING", [
    ledger,
  ]);
  const [row] = await store.query<{ value: string }>("SELECT value FROM setting WHERE name = 'ledger'");
  if (row?.value === ledger) return;
  const [chainId, address] = (row?.value ?? "").split(" ");
  throw new SolvusError(
    "relayer.otherChain",
    `store: holds submissions to ledger ${address} of another chain or start of it (id ${chainId}), expected ${deployment.ledger} on this one; give it a store of its own`,
  );
}
