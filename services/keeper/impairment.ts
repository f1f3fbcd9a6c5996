import { SolvusError } from "../../protocol/errors.ts";
import type { Deployed } from "../chain/deployment.ts";
import type { Log } from "../log.ts";
import type { Sending } from "./send.ts";

/** A keeper's eye on the insurance fund. */
export interface ImpairmentWatch {
  /**
   * Records an impairment that withdrawals brought about and nobody has recorded: until somebody does, cash that passes through the ledger
   * within one call lets a withdrawal beside it go unlocked. Tries once an epoch. Returns `done`, or the rule that stood in the way;
   * undefined when there was nothing to try. Throws what the endpoint throws.
   */
  look(epoch: bigint): Promise<string | undefined>;
}

export function watchImpairment(
  { fund }: Pick<Deployed, "fund">,
  sending: Pick<Sending, "send">,
  log: Log,
): ImpairmentWatch {
  let tried: bigint | undefined;

  const isUnrecorded = async (): Promise<boolean> =>
    (await fund.isImpaired()) && (await fund.impairedSince()) === 0n;

  const record = async (): Promise<string> => {
    try {
      const { hash, logs } = await sending.send(fund, "recordImpairment", []);
      // The call changes nothing, and says nothing, when it comes second.
      if (logs.length === 0) return "keeper.recorded";
      log.warn({ transaction: hash }, "recorded that the insurance fund is impaired");
      return "done";
    } catch (error) {
      if (!(error instanceof SolvusError)) throw error;
      log.warn({ act: "recordImpairment", rule: error.rule }, error.message);
      return error.rule;
    }
  };

  return {
    async look(epoch) {
      if (tried === epoch || !(await isUnrecorded())) return undefined;
      tried = epoch;
      return record();
    },
  };
}
