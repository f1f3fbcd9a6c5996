import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { ROOT } from "../../scripts/setup/paths.ts";
import { writeText } from "../../services/files.ts";
import type { Item } from "../../services/relayer/items.ts";
import { developmentForger } from "./developmentForger.ts";
import { serveFaulty } from "./faultyRpc.ts";
import { type LedgerFixture, ledgerFixture } from "./ledgerFixture.ts";

/** Development account of the relayer; the fixture's are before it. */
const RELAYER = 6;

/** A relayer in a process of its own, as an operator starts it, on a ledger with the generated keys that is served over JSON-RPC. */
export interface RelayerLoad {
  fixture: LedgerFixture;
  /** The relayer's root. */
  url: string;
  /** Where the chain answers. */
  rpc: string;
  /** The deployment's file. */
  deployment: string;
  /** So many transitions with valid proofs, pairs of trades and others in turn; an even number. Good until prices are stale. */
  transitions(count: number): Promise<Item[]>;
  /** How many notes are queued and how many of them are in the state tree. */
  queue(): Promise<{ tail: bigint; inserted: bigint }>;
  /** All that the relayer wrote so far. */
  output(): string;
  close(): Promise<void>;
}

/** `flags` are added to `solvus relayer serve`. */
export async function relayerLoad(flags: readonly string[] = []): Promise<RelayerLoad> {
  const forger = await developmentForger();
  const fixture = await ledgerFixture(
    { verifier: "generated" },
    { ...forger, keys: {} as never, key: () => "" },
  );
  const { addresses, chainId } = fixture;
  const rpc = await serveFaulty(fixture.ethers);
  const directory = mkdtempSync(join(tmpdir(), "solvus-load-"));
  const [deployment, key] = ["deployment.json", "relayer.key"].map((name) => join(directory, name)) as [
    string,
    string,
  ];
  const { ledger, oracle, registry, usdc } = addresses;
  const places = { chainId: Number(chainId), fromBlock: 0, ledger, oracle, registry, usdc };
  writeText(deployment, JSON.stringify({ format: "solvus-deployment", version: 1, ...places }));
  writeText(key, developmentKey(RELAYER), { secret: true });
  const command = ["relayer", "serve", "--rpc", rpc.url, "--deployment", deployment, "--key-file", key];
  const relayer = spawn(
    process.execPath,
    [join(ROOT, "cli/solvus.ts"), ...command, "--data", join(directory, "data"), "--port", "0", ...flags],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const lines: string[] = [];
  const url = await listening(relayer, lines);
  return {
    fixture,
    url,
    rpc: rpc.url,
    deployment,
    async transitions(count) {
      await fixture.postSnapshot();
      const items: Item[] = [];
      for (let index = 0; index < count / 2; index++) {
        const pair =
          index % 2 === 0 ? await fixture.trade() : [await fixture.transition(), await fixture.transition()];
        items.push(...pair.map((transition): Item => ({ kind: "transition", transition })));
      }
      return items;
    },
    async queue() {
      const { tail, inserted } = await fixture.ledger.queue();
      return { tail, inserted };
    },
    output: () => lines.join("\n"),
    async close() {
      await ended(relayer);
      await rpc.close();
      await forger.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Where the relayer says that it listens. */
async function listening(relayer: ChildProcess, lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    relayer.once("exit", (code) => reject(new Error(`the relayer ended with ${code}:\n${lines.join("\n")}`)));
    createInterface({ input: relayer.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      lines.push(line);
      const url = /"url":"(http:[^"]+)"/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}

/** Ends the relayer as an operator does. Fails when it does not end well. */
async function ended(relayer: ChildProcess): Promise<void> {
  if (relayer.exitCode !== null) return;
  const code = new Promise<number | null>((resolve) => relayer.once("exit", resolve));
  relayer.kill("SIGTERM");
  if ((await code) !== 0) throw new Error(`the relayer ended with ${await code}, expected 0`);
}
