import type { Signer, TransactionReceipt } from "ethers";
import { NOBODY, proofContext, type Terms } from "../../contracts/signing.ts";
import type { Opening } from "../../contracts/statements.ts";
import { readLedger } from "../../protocol/chain.ts";
import { entityOf } from "../../protocol/note.ts";
import { accountTagOf, prepareOpen } from "../../protocol/openAccount.ts";
import type { Registry } from "../../protocol/registryTree.ts";
import type { Prover } from "../../prover/prover.ts";
import type { AccountSecrets } from "../../prover/secrets.ts";
import { openStatement } from "../../prover/statements.ts";
import { chainTime, type Deployed } from "../chain/deployment.ts";

/** Seconds of chain time for which a proof can be submitted. */
export const PROOF_LIFETIME = 3600;

/** What an opening is proven with. */
export interface OpeningSetting {
  /** Left out when it is open. */
  registry?: Registry;
  /** Alone may submit; anybody by default. */
  relayer?: string;
}

/**
 * Proves the opening of an account of an institution. Numbers above 1 need the tag of the account before in the state tree. Throws
 * `open.*`.
 */
export async function proveOpening(
  { chain, oracle, provider }: Pick<Deployed, "chain" | "oracle" | "provider">,
  prover: Prover,
  secrets: AccountSecrets,
  { registry, relayer = NOBODY }: OpeningSetting = {},
): Promise<{ opening: Opening; proveSeconds: number }> {
  const { number, entitySecret } = secrets;
  const { tree, leaves } = (await readLedger(chain)).history;
  const deadline = BigInt((await chainTime({ provider })) + PROOF_LIFETIME);
  const terms: Terms = { payer: NOBODY, recipient: NOBODY, relayer, deadline };
  const [, latest] = await oracle.latest();
  const previousTag = number > 1n ? accountTagOf(entitySecret, number - 1n) : undefined;
  const place = [...leaves].find(([, leaf]) => leaf === previousTag)?.[0];
  const prepared = prepareOpen({
    ...secrets,
    stateRoot: tree.root,
    ...(place === undefined ? {} : { previousTagPath: tree.path(place) }),
    ...(registry === undefined
      ? {}
      : { registry: { root: registry.root, path: registry.path(entityOf(entitySecret)) } }),
    epoch: latest.epoch,
    committeeKey: await chain.committeeKey(),
    context: proofContext(chain.chainId, chain.ledger, terms),
  });
  const start = performance.now();
  const { proof } = await prover.prove(openStatement(prepared));
  const proveSeconds = (performance.now() - start) / 1000;
  const { stateRoot, registryRoot, epoch, commitment, accountTag, escrow } = prepared.input;
  const signals = { stateRoot, registryRoot, epoch, commitment, accountTag, escrow };
  return { opening: { proof, signals, terms }, proveSeconds };
}

/** As {@link proveOpening}, and submits it. */
export async function openAccount(
  deployed: Deployed,
  prover: Prover,
  sender: Signer,
  secrets: AccountSecrets,
  registry?: Registry,
): Promise<{ receipt: TransactionReceipt; proveSeconds: number }> {
  const setting = registry === undefined ? {} : { registry };
  const { opening, proveSeconds } = await proveOpening(deployed, prover, secrets, setting);
  const { proof, signals, terms } = opening;
  const sending = deployed.ledger.connect(sender) as Deployed["ledger"];
  const receipt = await (await sending.open(proof, signals, terms)).wait();
  return { receipt, proveSeconds };
}
