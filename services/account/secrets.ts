import { randomBytes } from "node:crypto";
import { FIELD_ORDER } from "../../protocol/constants.ts";

/** A secret or salt: a uniform field element other than 0. */
export function randomFieldElement(): bigint {
  for (;;) {
    const candidate = BigInt(`0x${randomBytes(32).toString("hex")}`) & ((1n << 254n) - 1n);
    if (candidate !== 0n && candidate < FIELD_ORDER) return candidate;
  }
}
