import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Contract, Signer } from "ethers";
import type { TakeOver } from "../../contracts/statements.ts";
import type { Deployed } from "../../services/chain/deployment.ts";
import { contractRefusal } from "../../services/chain/revert.ts";
import { parseItem } from "../../services/relayer/items.ts";
import { quoteMessage, type Status, statusMessage } from "../../services/relayer/messages.ts";
import { submissionId } from "../../services/relayer/submissions.ts";

/** A relayer that keeps take-overs until it is told to bring them to the chain. */
export interface HeldRelayer {
  url: string;
  /** How many it holds, by state. */
  count(state: Status["state"]): number;
  /** From now on it stores what it is given and breaks the connection before it answers. */
  losesAnswers(): void;
  /** From now on it says of what it holds that it is refused. */
  lies(): void;
  /** Submits what it holds. */
  land(): Promise<void>;
  close(): Promise<void>;
}

const REFUSED = { state: "refused", refusal: { rule: "relayer.fee", message: "too low" } } as const;
export const FEE = 2_000_000n;

export async function holdRelayer({ ledger, chain }: Deployed, signer: Signer): Promise<HeldRelayer> {
  const held = new Map<string, Status & { takeOver: TakeOver }>();
  const relayer = await signer.getAddress();
  const quote = quoteMessage({
    relayer,
    chainId: chain.chainId,
    ledger: chain.ledger,
    fees: { opening: 0n, transition: FEE, takeOver: FEE },
    validUntil: 2 ** 33,
    batch: { size: 16, ageMs: 1_000 },
  });
  const accept = (body: string): Status => {
    const item = parseItem(body);
    if (item.kind !== "takeOver") throw new Error("expected a take-over");
    const id = submissionId(item);
    const now = new Date();
    const { deadline } = item.takeOver.terms;
    const entry = {
      ...{ id, kind: item.kind, state: "queued" as const, deadline, sequence: BigInt(held.size + 1) },
      ...{ receivedAt: now, changedAt: now, takeOver: item.takeOver },
    };
    held.set(id, entry);
    return entry;
  };
  let losesAnswers = false;
  let lies = false;
  const server = createServer((request, response) => {
    const answer = (status: number, value: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    };
    if (request.url === "/v1/quote") return answer(200, quote);
    if (request.method === "POST") {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        const status = accept(body);
        if (losesAnswers) request.socket.destroy();
        else answer(202, statusMessage(status));
      });
      return;
    }
    const known = held.get(request.url!.slice("/v1/submissions/".length));
    if (known === undefined) answer(404, { error: { rule: "relayer.unknown", message: "never submitted" } });
    else answer(200, statusMessage(lies && known.state === "queued" ? { ...known, ...REFUSED } : known));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    count: (state) => [...held.values()].filter((one) => one.state === state).length,
    losesAnswers() {
      losesAnswers = true;
    },
    lies() {
      lies = true;
    },
    async land() {
      for (const one of held.values()) {
        if (one.state !== "queued") continue;
        try {
          const { hash } = await (await (ledger.connect(signer) as Contract).takeOver(one.takeOver)).wait();
          Object.assign(one, { state: "mined", transaction: hash });
        } catch (error) {
          Object.assign(one, { state: "refused", refusal: contractRefusal(error) });
        }
      }
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
