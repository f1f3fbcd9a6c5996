import type { Signer } from "ethers";
import type { SolvusError } from "../../protocol/errors.ts";
import type { Log } from "../log.ts";
import { type RemoteReporter, reporterRoot, reportersAt } from "./reporterClient.ts";

/** Finds the reporters that are hosted at some URLs, and keeps what it found. */
export interface ReporterDirectory {
  /**
   * Reporters of these addresses, as often as they are hosted. Waits for URLs that have not answered only when fewer than `enough` addresses are known.
   */
  find(addresses: ReadonlySet<string>, enough: number): Promise<RemoteReporter[]>;
}

/** After how long a URL is asked again, in milliseconds. */
const KNOWN_FOR_MS = 60_000;

/** A directory over URLs, each of which may host several reporters; `caller` signs what they are asked. Misuse (`reporter.url`) for what is no URL. */
export function reporterDirectory(
  urls: readonly string[],
  caller: Signer,
  log: Log,
  answerMs: number,
): ReporterDirectory {
  const roots = urls.map(reporterRoot);
  const known = new Map<string, { at: number; reporters: RemoteReporter[] }>();
  const asking = new Map<string, Promise<void>>();
  const ask = async (root: string): Promise<void> => {
    try {
      known.set(root, { at: Date.now(), reporters: await reportersAt(root, caller, answerMs) });
    } catch (error) {
      const { rule, message } = error as SolvusError;
      // The host alone: a URL may carry a password.
      log.warn({ host: new URL(root).host, rule, message }, "no reporters found");
    } finally {
      asking.delete(root);
    }
  };
  return {
    async find(addresses, enough) {
      for (const root of roots) {
        const isKnown = (known.get(root)?.at ?? Number.NEGATIVE_INFINITY) + KNOWN_FOR_MS > Date.now();
        if (!isKnown && !asking.has(root)) asking.set(root, ask(root));
      }
      const found = (): RemoteReporter[] =>
        [...known.values()]
          .flatMap(({ reporters }) => reporters)
          .filter(({ address }) => addresses.has(address));
      if (new Set(found().map(({ address }) => address)).size < enough) await Promise.all(asking.values());
      return found();
    },
  };
}
