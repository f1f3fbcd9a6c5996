import { createHash } from "node:crypto";
import { isSignedBy, type Signing } from "./identity.ts";

/*
 * How the owner of a mailbox shows the relayer that it is the owner: the mailbox's address is an Ed25519 public key, and its holder signs
 * what it asks for and when. Signatures are over the relayer's clock, of which the chain knows nothing.
 */

/** What is asked of a mailbox. */
export type Access =
  | { action: "read"; mailbox: string }
  | { action: "remove"; mailbox: string; ids: readonly string[] };

/** Seconds by which the clocks of an owner and a relayer may differ. */
export const CLOCK_TOLERANCE = 120;

export const ACCESS_HEADERS = { time: "x-solvus-time", signature: "x-solvus-signature" } as const;

function accessBytes(access: Access, time: number): Buffer {
  const ids = access.action === "remove" ? access.ids.join(",") : "";
  const about = createHash("sha256").update(ids).digest("hex");
  return Buffer.from(`solvus-desk-access\n${access.action}\n${access.mailbox}\n${about}\n${time}`, "utf8");
}

/** Headers with which the owner asks, at Unix seconds of its clock. */
export function accessHeaders(opener: Signing, access: Access, time: number): Record<string, string> {
  return {
    [ACCESS_HEADERS.time]: String(time),
    [ACCESS_HEADERS.signature]: opener.sign(accessBytes(access, time)),
  };
}

/** Whether headers are those of the mailbox's owner, signed within the tolerance around `now`, Unix seconds. */
export function isOwner(access: Access, time: number, signature: string, now: number): boolean {
  if (Math.abs(now - time) > CLOCK_TOLERANCE) return false;
  return isSignedBy(access.mailbox, accessBytes(access, time), signature);
}
