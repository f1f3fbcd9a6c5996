import { SolvusError } from "../../protocol/errors.ts";
import type { TradePackage } from "../../protocol/trade.ts";
import type { Log } from "../log.ts";
import type { DeskOutcome, GuardAct, GuardDesk } from "./report.ts";

/** Requests on the desk beside a guard's rounds, one at a time. */
export interface Dealing {
  /** A request is under way, or what an earlier run left is. */
  isUnderWay(): boolean;
  /** Asks for a package, as side 0 receives it, for at least its cash. */
  ask(trade: Pick<TradePackage, "legs" | "cash">): void;
  /** What ended since this was last asked. */
  ended(): GuardAct[];
  /** Resolves soon, with nothing under way: what has not ended goes on when it is resumed. */
  stop(): Promise<void>;
}

/** Begins with what an earlier run left unfinished. */
export function dealOn(desk: GuardDesk, log: Log): Dealing {
  let underWay: Promise<void> | undefined;
  const dealt: GuardAct[] = [];
  const deal = (work: () => Promise<DeskOutcome[]>): void => {
    underWay = work()
      .then((outcomes) => {
        for (const outcome of outcomes) dealt.push({ kind: "dealt", ...outcome });
      })
      .catch((error: unknown) => {
        const isRule = error instanceof SolvusError;
        if (!isRule) log.error({ err: error }, "desk failed");
        const [rule, message] = isRule
          ? [error.rule, error.message]
          : ["guard.desk", "desk: failed; the log says why"];
        dealt.push({ kind: "refused", act: "ticket", rule, message });
      })
      .finally(() => {
        underWay = undefined;
      });
  };
  deal(() => desk.resume());
  return {
    isUnderWay: () => underWay !== undefined,
    ask: ({ legs, cash }) => deal(async () => [await desk.ask(legs, cash)]),
    ended: () => dealt.splice(0),
    async stop() {
      desk.stop();
      await underWay;
    },
  };
}
