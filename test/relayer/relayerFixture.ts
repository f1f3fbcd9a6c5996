import type { Provider } from "ethers";
import { circuitIndex } from "../../contracts/statements.ts";
import { attach, type Deployed } from "../../services/chain/deployment.ts";
import { type Log, makeLog } from "../../services/log.ts";
import type { Item } from "../../services/relayer/items.ts";
import { circuitOf, type ProofCheck, signalsOn } from "../../services/relayer/proofCheck.ts";
import {
  DEFAULT_LIMITS,
  type Service,
  type ServiceConfig,
  startService,
} from "../../services/relayer/service.ts";
import type { Store } from "../../services/store/store.ts";
import { type LedgerFixture, ledgerFixture } from "../support/ledgerFixture.ts";
import { temporaryStore } from "../support/storeFixture.ts";

/** A relayer's HTTP service on a ledger with the ideal verifier, without anything that sends. */
export interface RelayerFixture {
  ledger: LedgerFixture;
  deployed: Deployed;
  store: Store;
  /** Says what the ideal verifier says. */
  verify: ProofCheck;
  /** Lines of the services' logs. */
  lines: string[];
  log: Log;
  /** Starts a service on a free port; fees of 1,000 micro-USDC unless overridden. It stops with the fixture. */
  serve(overrides?: Partial<ServiceConfig>): Promise<Service>;
  transition(...parameters: Parameters<LedgerFixture["transition"]>): Promise<Item>;
  opening(...parameters: Parameters<LedgerFixture["opening"]>): Promise<Item>;
  close(): Promise<void>;
}

export const FEE = 1_000n;

export async function relayerFixture(): Promise<RelayerFixture> {
  const ledger = await ledgerFixture();
  const { ethers, addresses, chainId, verifier } = ledger;
  const deployed = await attach(ethers.provider as unknown as Provider, {
    ...{ format: "solvus-deployment", version: 1, chainId: Number(chainId), fromBlock: 0 },
    ...{
      ledger: addresses.ledger,
      oracle: addresses.oracle,
      registry: addresses.registry,
      usdc: addresses.usdc,
    },
  });
  const lines: string[] = [];
  const log = makeLog("test", { write: (line) => lines.push(line) });
  const store = await temporaryStore(log);
  const signalsOf = await signalsOn(deployed);
  const verify: ProofCheck = (item) => {
    const { proof } =
      item.kind === "opening" ? item.opening : item.kind === "transition" ? item.transition : item.takeOver;
    return verifier
      .getFunction("verify")
      .staticCall(circuitIndex(circuitOf(item)), [...proof], signalsOf(item));
  };
  const services: Service[] = [];
  return {
    ...{ ledger, deployed, store, verify, lines, log },
    async serve(overrides = {}) {
      const service = await startService({
        ...{ store, deployed, verify, log, limits: DEFAULT_LIMITS },
        relayer: ledger.carol.address,
        fees: { kind: "fixed", transition: FEE, takeOver: FEE },
        batch: { size: 16, ageMs: 1000 },
        listen: { host: "127.0.0.1", port: 0 },
        ...overrides,
      });
      services.push(service);
      return service;
    },
    async transition(signals = {}, ...rest) {
      return { kind: "transition", transition: await ledger.transition({ fee: FEE, ...signals }, ...rest) };
    },
    async opening(...parameters) {
      const [proof, signals, terms] = await ledger.opening(...parameters);
      return { kind: "opening", opening: { proof, signals, terms } };
    },
    async close() {
      for (const service of services) await service.stop();
      await store.close();
    },
  };
}

/** What a relayer answers to a text. */
export async function post(
  url: string,
  body: string,
): Promise<{
  status: number;
  rule?: string;
  message?: string;
  retryAfter: string | null;
  body: Record<string, unknown>;
}> {
  const response = await fetch(`${url}/v1/submissions`, {
    ...{ method: "POST", headers: { "content-type": "application/json" }, body },
  });
  const answer = (await response.json()) as { error?: { rule: string; message: string } };
  return {
    ...{ status: response.status, retryAfter: response.headers.get("retry-after") },
    ...answer.error,
    body: answer as Record<string, unknown>,
  };
}
