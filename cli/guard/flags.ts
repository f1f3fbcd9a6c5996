import { Misuse } from "../../protocol/errors.ts";
import type { GuardPolicy, Threshold } from "../../services/guard/policy.ts";
import { percentQ16 } from "../keeper/percent.ts";
import { usdcAmount, wholeNumber } from "../marketFlags.ts";

/** Options of `solvus guard` that make its policy. */
export interface GuardFlags {
  horizon: string;
  warnRatio: string;
  warnProbability: string;
  actRatio: string;
  actProbability?: string;
  targetRatio: string;
  topUpPerDay?: string;
  topUpTotal?: string;
  maxFee: string;
  reducePerDay?: string;
  reduceShare: string;
  concession: string;
  ticketSeconds: string;
  /** False with `--no-clear`. */
  clear: boolean;
}

function ratio(text: string, option: string): number {
  if (!/^\d{1,2}(\.\d{1,6})?$/.test(text))
    throw new Misuse("cli.ratio", `${option} is ${JSON.stringify(text)}, expected a number such as 1.25`);
  return Number(text);
}

/** A fraction from the text of a percentage above 0 and up to 100. */
const fraction = (text: string, option: string): number => Number(percentQ16(text, option)) / 65_536;

function threshold(ratioText: string, probability: string | undefined, name: string): Threshold {
  return {
    ratio: ratio(ratioText, `--${name}-ratio`),
    ...(probability === undefined ? {} : { probability: fraction(probability, `--${name}-probability`) }),
  };
}

/** The policy that the options make. Misuse (`cli.*`) for text that is no number. */
export function policyOf(flags: GuardFlags): GuardPolicy {
  const { topUpPerDay, topUpTotal = topUpPerDay, reducePerDay, concession } = flags;
  if (topUpPerDay === undefined && topUpTotal !== undefined)
    throw new Misuse("cli.topUp", "--top-up-per-day is absent, expected one beside --top-up-total");
  return {
    horizonHours: wholeNumber(flags.horizon, "--horizon", 1),
    warn: threshold(flags.warnRatio, flags.warnProbability, "warn"),
    act: threshold(flags.actRatio, flags.actProbability, "act"),
    targetRatio: ratio(flags.targetRatio, "--target-ratio"),
    ...(topUpPerDay !== undefined && topUpTotal !== undefined
      ? {
          topUp: {
            perDay: usdcAmount(topUpPerDay, "--top-up-per-day"),
            total: usdcAmount(topUpTotal, "--top-up-total"),
            maxFee: usdcAmount(flags.maxFee, "--max-fee"),
          },
        }
      : {}),
    ...(reducePerDay === undefined
      ? {}
      : {
          reduce: {
            perDay: usdcAmount(reducePerDay, "--reduce-per-day"),
            largestShare: fraction(flags.reduceShare, "--reduce-share"),
            concession: /^0(\.0*)?%?$/.test(concession) ? 0 : fraction(concession, "--concession"),
            lifetime: wholeNumber(flags.ticketSeconds, "--ticket-seconds", 60),
          },
        }),
    clears: flags.clear,
  };
}
