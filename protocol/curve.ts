import { buildBn128, type Curve } from "ffjavascript";

/*
 * snarkjs computes on one curve object for the whole process, whose worker threads keep the process alive. Whoever proves or verifies
 * holds the curve while at it; with the last holder's release its threads end.
 */
let holders = 0;
let opened: Promise<Curve> | undefined;

/** A hold on the curve. `release` may be called once. */
export interface CurveHold {
  curve: Curve;
  release(): Promise<void>;
}

/** Starts the curve's worker threads unless they run, and keeps them until released. */
export async function holdCurve(): Promise<CurveHold> {
  holders++;
  opened ??= buildBn128();
  const curve = await opened;
  let held = true;
  return {
    curve,
    async release() {
      if (!held) return;
      held = false;
      holders--;
      if (holders > 0) return;
      opened = undefined;
      await curve.terminate();
    },
  };
}
