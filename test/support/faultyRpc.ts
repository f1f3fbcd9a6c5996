import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import { toQuantity } from "ethers";
import { revertData } from "./ledgerFixture.ts";

/*
 * A chain inside the process, served over JSON-RPC, with faults between it and whoever calls: what a service sees of a bad node or a bad
 * network.
 */

/** What happens to one call. */
export type RpcFault =
  /** The node answers with an error and does nothing. */
  | { kind: "error"; code: number; message: string }
  /** A gateway before the node answers with an HTTP status and no JSON. */
  | { kind: "status"; status: number }
  /** The connection is cut before the node hears of the call. */
  | { kind: "cut" }
  /** The node acts; the connection is cut before it answers. */
  | { kind: "cutAnswer" }
  /** The node acts; its answer comes late. */
  | { kind: "delay"; milliseconds: number }
  /** The node acts; its answer never comes. */
  | { kind: "silence" }
  /** The call is answered from an earlier block, as by a node that lags. */
  | { kind: "behind"; blocks: number }
  /** The node answers that it has nothing: `null`. */
  | { kind: "nothing" };

/** A call to the node. */
export interface RpcCall {
  method: string;
  parameters: readonly unknown[];
  /** Calls of this method before it. */
  earlier: number;
}

/** Chooses the fault of a call; undefined for none. */
export type RpcFaults = (call: RpcCall) => RpcFault | undefined;

export interface FaultyRpc {
  url: string;
  /** Sets what goes wrong from now on; without an argument nothing does. */
  setFaults(faults?: RpcFaults): void;
  /** Calls of a method that arrived so far. */
  calls(method: string): number;
  /** Calls that a fault hit so far. */
  faulted(): number;
  close(): Promise<void>;
}

type Request = (method: string, parameters: unknown[]) => Promise<unknown>;

interface JsonRpcRequest {
  id: unknown;
  method: string;
  params?: unknown[];
}

/** Serves a chain at `http://127.0.0.1:port`, without faults at first. */
export async function serveFaulty({ provider }: HardhatEthers): Promise<FaultyRpc> {
  const node: Request = (method, parameters) => provider.send(method, parameters);
  const counts = new Map<string, number>();
  let faults: RpcFaults = () => undefined;
  let hit = 0;

  const answer = async (request: JsonRpcRequest, response: ServerResponse): Promise<unknown> => {
    const { id, method, params: parameters = [] } = request;
    const earlier = counts.get(method) ?? 0;
    counts.set(method, earlier + 1);
    const fault = faults({ method, parameters, earlier });
    if (fault !== undefined) hit++;
    switch (fault?.kind) {
      case "error":
        return { jsonrpc: "2.0", id, error: { code: fault.code, message: fault.message } };
      case "nothing":
        return { jsonrpc: "2.0", id, result: null };
      case "status":
        response.statusCode = fault.status;
        response.end("unavailable");
        return undefined;
      case "cut":
        response.destroy();
        return undefined;
      case "cutAnswer":
        await answerOf(node, request);
        response.destroy();
        return undefined;
      case "silence":
        await answerOf(node, request);
        return undefined;
      case "delay": {
        const answered = await answerOf(node, request);
        await new Promise((resolve) => setTimeout(resolve, fault.milliseconds));
        return answered;
      }
      case "behind":
        return answerOf(lagging(node, fault.blocks), request);
      default:
        return answerOf(node, request);
    }
  };

  const server = createServer(async (incoming, response) => {
    const answered = await answer(await bodyOf(incoming), response);
    if (answered === undefined || response.destroyed) return;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(answered));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    setFaults(chosen = () => undefined) {
      faults = chosen;
    },
    calls: (method) => counts.get(method) ?? 0,
    faulted: () => hit,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bodyOf(incoming: IncomingMessage): Promise<JsonRpcRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

/** The node's answer, its errors in the form of public nodes: revert data in `data`. */
async function answerOf(
  node: Request,
  { id, method, params = [] }: JsonRpcRequest,
): Promise<Record<string, unknown>> {
  try {
    return { jsonrpc: "2.0", id, result: await node(method, params) };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    const data = revertData(error);
    const failure = { code: typeof code === "number" ? code : -32_603, message, ...(data && { data }) };
    return { jsonrpc: "2.0", id, error: failure };
  }
}

const HEAD = new Set<unknown>(["latest", "pending", "safe", "finalized"]);

/** A node that has not seen the latest blocks. */
function lagging(node: Request, blocks: number): Request {
  return async (method, parameters) => {
    const latest = Number(await node("eth_blockNumber", []));
    const head = Math.max(0, latest - blocks);
    const seen = toQuantity(head);
    const tag = (value: unknown): unknown => (HEAD.has(value) ? seen : value);
    switch (method) {
      case "eth_blockNumber":
        return seen;
      case "eth_getTransactionReceipt":
      case "eth_getTransactionByHash": {
        const found = (await node(method, parameters)) as { blockNumber: string | null } | null;
        return found !== null && Number(found.blockNumber ?? 0) > head ? null : found;
      }
      case "eth_getBlockByNumber": {
        const [asked, ...others] = parameters;
        const wanted = tag(asked);
        return Number(wanted) > head ? null : node(method, [wanted, ...others]);
      }
      case "eth_getLogs": {
        const [filter] = parameters as [Record<string, unknown>];
        const { fromBlock = "latest", toBlock = "latest" } = filter;
        const from = tag(fromBlock);
        const last = Math.min(Number(tag(toBlock)), head);
        if (Number(from) > last) return [];
        return node(method, [{ ...filter, fromBlock: from, toBlock: toQuantity(last) }]);
      }
      default:
        return node(method, parameters.map(tag));
    }
  };
}
