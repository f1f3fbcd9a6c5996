import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** What a host answers instead; `silence` for nothing at all. */
export type Lie = { status?: number; body: unknown; afterMs?: number } | "silence";

/** A question to a host: the last part of its path, whom it is to, and what the honest host answers. */
export interface Question {
  what: string;
  path: string;
  body: unknown;
  honest(): Promise<{ status: number; body: unknown }>;
}

export interface LyingHost {
  url: string;
  close(): Promise<void>;
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? undefined : JSON.parse(text);
}

/** A host between an aggregator and honest reporters, which answers as it likes. */
export async function lyingHost(
  honestUrl: string,
  lie: (question: Question) => Promise<Lie> | Lie,
): Promise<LyingHost> {
  const server = createServer(async (request, response) => {
    const path = request.url ?? "/";
    const body = await readBody(request);
    const honest = async () => {
      const answer = await fetch(`${honestUrl}${path}`, {
        method: request.method ?? "GET",
        ...(body !== undefined && {
          headers: { "content-type": "application/json" },
          body: JSON.stringify(body),
        }),
      });
      return { status: answer.status, body: await answer.json() };
    };
    const what = path.split("/").at(-1) as string;
    const answer = await lie({ what, path, body, honest });
    if (answer === "silence") return;
    if (answer.afterMs !== undefined) await new Promise((resolve) => setTimeout(resolve, answer.afterMs));
    response.statusCode = answer.status ?? 200;
    response.setHeader("content-type", "application/json");
    response.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
