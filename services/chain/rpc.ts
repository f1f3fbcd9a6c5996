import { FetchRequest, JsonRpcProvider, Network } from "ethers";
import { Misuse } from "../../protocol/errors.ts";

const PROBE_MS = 5_000;
/** A call that is not answered for so long has failed; services ask again. */
const CALL_MS = 60_000;

/** Chain id of a JSON-RPC endpoint; misuse (`rpc.unreachable`) when it does not answer as one. */
async function chainIdAt(url: string): Promise<bigint> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] }),
      signal: AbortSignal.timeout(PROBE_MS),
    });
    const { result } = (await response.json()) as { result: string };
    return BigInt(result);
  } catch {
    throw new Misuse(
      "rpc.unreachable",
      `--rpc is ${JSON.stringify(withoutSecrets(url))}, expected the URL of a JSON-RPC endpoint that answers`,
    );
  }
}

/** Endpoints often carry an API key in their path or a password: only scheme and host are shown. */
function withoutSecrets(url: string): string {
  try {
    const { protocol, host } = new URL(url);
    return `${protocol}//${host}`;
  } catch {
    return "(not a URL)";
  }
}

/** Connects to a JSON-RPC endpoint. `destroy` it, so that the process can exit. */
export async function connectRpc(url: string): Promise<JsonRpcProvider> {
  const network = Network.from(await chainIdAt(url));
  const options = { staticNetwork: network, batchMaxCount: 1, cacheTimeout: -1, pollingInterval: 250 };
  const connection = new FetchRequest(url);
  connection.timeout = CALL_MS;
  return new JsonRpcProvider(connection, network, options);
}

/** Connects to an endpoint, works, disconnects. */
export async function withRpc<T>(url: string, work: (provider: JsonRpcProvider) => Promise<T>): Promise<T> {
  const provider = await connectRpc(url);
  try {
    return await work(provider);
  } finally {
    provider.destroy();
  }
}
