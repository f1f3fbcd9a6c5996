import { setTimeout as sleep } from "node:timers/promises";

/**
 * The `/metrics` of a service at `url` as they are after the call. A service answers with what it last collected for up to a second, and
 * what the process says of itself differs from one collection to the next.
 */
export async function freshMetrics(url: string): Promise<string> {
  const read = async (): Promise<string> => (await fetch(`${url}/metrics`)).text();
  const first = await read();
  for (;;) {
    const next = await read();
    if (next !== first) return next;
    await sleep(5);
  }
}
