import { setTimeout as sleep } from "node:timers/promises";
import { Misuse } from "../../protocol/errors.ts";
import type { Log } from "../log.ts";

/** Something that the owner should know. Holds what the account is worth, never what spends or reads it. */
export interface GuardEvent {
  event: string;
  [field: string]: unknown;
}

const TRIES = 3;
const TIMEOUT_MS = 5_000;
const LOOPBACK = /^(127(\.\d+){3}|localhost|\[::1\])$/;

const jsonOf = (event: GuardEvent): string =>
  JSON.stringify(event, (_, value) => (typeof value === "bigint" ? String(value) : value));

/**
 * Sends events to an address of the owner's as JSON, three times at most. An address that does not answer stops nothing: the log says so,
 * without the address, which may hold a token. `pauseMs` is the first pause between tries. Misuse (`guard.webhook`) unless it is https, or http on this machine.
 */
export function webhook(
  address: string,
  log: Log,
  { pauseMs = 500 }: { pauseMs?: number } = {},
): (event: GuardEvent) => Promise<void> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (
    url === undefined ||
    !(url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname)))
  )
    throw new Misuse("guard.webhook", "webhook: not an https address, expected one, or http on this machine");
  return async (event) => {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: jsonOf(event) };
    let reason = "";
    for (let tried = 1; tried <= TRIES; tried++) {
      try {
        const response = await fetch(url, {
          ...init,
          redirect: "error",
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        await response.body?.cancel();
        if (response.ok) return;
        reason = `status ${response.status}`;
      } catch (error) {
        reason =
          error instanceof Error && error.name === "TimeoutError" ? "no answer in time" : "unreachable";
      }
      if (tried < TRIES) await sleep(pauseMs * tried);
    }
    log.warn({ event: event.event, reason }, "webhook: not delivered");
  };
}
