import type { Contract, Signer, TransactionReceipt } from "ethers";
import { ensure, Misuse } from "../../protocol/errors.ts";
import type { Deployed } from "../../services/chain/deployment.ts";
import type { RegistryList } from "../../services/chain/registryFile.ts";
import { registryDifference } from "./difference.ts";

/** How a new list is to be posted. */
export interface Posting {
  /** Root in force, which the new one replaces; 0 before the first. */
  replaced: bigint;
  /** Whether the root in force is void at once. */
  removal: boolean;
}

/**
 * Decides how a list is posted in place of the one in force. `before` is that list; without it only `forced`, a removal, is safe to post.
 * Throws `registry.replaced` when `before` is not in force, `registry.unchanged` when there is nothing to post.
 */
export async function planPosting(
  { registry }: Pick<Deployed, "registry">,
  next: RegistryList,
  before: RegistryList | undefined,
  forced: boolean,
): Promise<Posting> {
  const replaced: bigint = await registry.currentRoot();
  if (before !== undefined)
    ensure(
      before.root === replaced,
      "registry.replaced",
      `--replaces: its root is ${before.root}, expected ${replaced}, the one in force; make the new list from that one`,
    );
  ensure(
    next.root !== replaced || forced,
    "registry.unchanged",
    `--registry: its root ${next.root} is in force already, expected a new list`,
  );
  if (replaced === 0n) return { replaced, removal: forced };
  if (before === undefined && !forced)
    throw new Misuse(
      "registry.replaces",
      "--replaces is absent, expected the list in force, which tells an addition from a removal (or --removal)",
    );
  const removal =
    forced || (before !== undefined && registryDifference(before.entries, next.entries).removal);
  return { replaced, removal };
}

/** Posts a list's root with the officer's key. Throws `registry.officer` when the key is another's. */
export async function postRoot(
  { registry }: Pick<Deployed, "registry">,
  officer: Signer,
  { root }: RegistryList,
  { replaced, removal }: Posting,
): Promise<TransactionReceipt> {
  const sender = await officer.getAddress();
  ensure(
    await registry.hasRole(await registry.OFFICER_ROLE(), sender),
    "registry.officer",
    `sender ${sender}: may not post roots, expected the key of a compliance officer`,
  );
  return (await (registry.connect(officer) as Contract).postRoot(replaced, root, removal)).wait();
}
