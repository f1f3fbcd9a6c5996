import type { Signer } from "ethers";
import type { Transition } from "../../contracts/statements.ts";
import { SolvusError } from "../../protocol/errors.ts";
import { submitTrade } from "../../services/account/transact.ts";
import type { Deployed } from "../../services/chain/deployment.ts";
import { contractRefusal } from "../../services/chain/revert.ts";
import type { SettlementParts } from "../../services/desk/settlement.ts";
import type { State, Status } from "../../services/relayer/messages.ts";
import { submissionId } from "../../services/relayer/submissions.ts";

/** A relayer that keeps nothing: pairs halves as they come, sends pairs at once, and lets waiting halves expire with their snapshot. */
export interface StandInRelayer {
  link: SettlementParts["relayer"];
  /** Everything that was handed in, in order. */
  handedIn: { id: string; transition: Transition }[];
  /** While true, what it sends is mined and not final. */
  shallow: boolean;
  /** While true, it does not answer. */
  away: boolean;
  /** Forgets every submission, as a relayer does that lost its store. */
  forget(): void;
}

interface Held {
  transition: Transition;
  state: State;
  refusal?: { rule: string; message: string };
}

export function standInRelayer(deployed: Deployed, sender: Signer, fee: bigint): StandInRelayer {
  let held = new Map<string, Held>();
  const statusOf = (id: string, { state, refusal, transition }: Held): Status => ({
    id,
    kind: "transition",
    state,
    ...(refusal && { refusal }),
    deadline: transition.terms.deadline,
    receivedAt: new Date(0),
    changedAt: new Date(0),
    sequence: 0n,
  });
  const pair = async (one: Held): Promise<void> => {
    const { tradeTag, side, snapshotRoot } = one.transition.signals;
    const other = [...held.values()].find(
      ({ state, transition: { signals } }) =>
        state === "waiting" &&
        signals.tradeTag === tradeTag &&
        signals.side !== side &&
        signals.snapshotRoot === snapshotRoot,
    );
    if (other === undefined) return;
    const [first, second] = side === 0n ? [one, other] : [other, one];
    try {
      await submitTrade(deployed, sender, first.transition, second.transition);
      for (const half of [first, second]) half.state = "mined";
    } catch (error) {
      const refusal = contractRefusal(error);
      if (refusal === undefined) throw error;
      for (const half of [first, second]) Object.assign(half, { state: "refused", refusal });
    }
  };
  const relayer: StandInRelayer = {
    handedIn: [],
    shallow: false,
    away: false,
    forget() {
      held = new Map();
    },
    link: {
      async quote() {
        answering();
        const { chainId, ledger } = deployed.chain;
        const fees = { opening: 0n, transition: fee, takeOver: fee };
        const address = await sender.getAddress();
        return { relayer: address, chainId, ledger, fees, validUntil: 0, batch: { size: 2, ageMs: 0 } };
      },
      async submit(item) {
        answering();
        if (item.kind !== "transition") throw new SolvusError("relayer.kind", "not a transition");
        const id = submissionId(item);
        const known = held.get(id);
        if (known !== undefined && !["refused", "expired"].includes(known.state))
          return { ...statusOf(id, known), isNew: false };
        const one: Held = { transition: item.transition, state: "waiting" };
        relayer.handedIn.push({ id, transition: item.transition });
        held.set(id, one);
        await pair(one);
        return { ...statusOf(id, one), isNew: true };
      },
      async status(id) {
        answering();
        const one = held.get(id);
        if (one === undefined) throw new SolvusError("relayer.unknown", `submission ${id}: unknown`);
        if (one.state === "mined" && !relayer.shallow) one.state = "final";
        const [root] = await deployed.oracle.latest();
        if (one.state === "waiting" && one.transition.signals.snapshotRoot !== root)
          Object.assign(one, {
            state: "expired",
            refusal: { rule: "relayer.snapshotPassed", message: "the snapshot has passed" },
          });
        return statusOf(id, one);
      },
    },
  };
  const answering = (): void => {
    if (relayer.away) throw new SolvusError("relayer.unreachable", "relayer: does not answer");
  };
  return relayer;
}
