import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contract } from "ethers";
import { type LocalChain, startLocalChain } from "../../cli/chain/localChain.ts";
import { type Market, makeMarket } from "../../cli/demo/market.ts";
import { type Institution, institution } from "../../cli/demo/people.ts";
import { type Stage, setStage } from "../../cli/demo/stage.ts";
import type { Account } from "../../prover/account.ts";
import type { Prover } from "../../prover/prover.ts";
import { followOwnAccount } from "../../services/account/follow.ts";
import { openAccount } from "../../services/account/open.ts";
import { approve, NOTHING, proveTransition, submit } from "../../services/account/transact.ts";
import { insertClosedNodes, sealIfDue } from "../../services/chain/insertion.ts";
import { accountOf, type Reading, readingOf, scopeOf } from "../../services/chain/reading.ts";
import { type DeskIdentity, identityOf } from "../../services/desk/identity.ts";
import { type Maker, type MakerConfig, type MakerRules, makeMaker } from "../../services/desk/maker.ts";
import { type Post, postAt } from "../../services/desk/post.ts";
import { type DeskRecord, openRecord } from "../../services/desk/record.ts";
import { deskRoutes } from "../../services/desk/routes.ts";
import { makeTaker, type Taker, type TakerConfig } from "../../services/desk/taker.ts";
import { makeHttp } from "../../services/http.ts";
import { makeLog } from "../../services/log.ts";
import type { Store } from "../../services/store/store.ts";
import { idealProver } from "../support/idealProver.ts";
import { shortSnapshot } from "../support/shortMarket.ts";
import { temporaryStore } from "../support/storeFixture.ts";
import { type StandInRelayer, standInRelayer } from "./standInRelayer.ts";

/* A desk with everything around it: a chain whose ledger verifies by declaration, a relayer's mailboxes on the embedded database, and owners with funded accounts. */

export const log = makeLog("test", { write: () => {} });
export const USD = 1_000_000n;
export const FEE = 50_000n;

/** One who trades. */
export interface Owner extends Institution {
  identity: DeskIdentity;
  /** Its record's file. */
  file: string;
}

export interface DeskStage {
  stage: Stage;
  local: LocalChain;
  market: Market;
  reading: Reading;
  relayer: StandInRelayer;
  store: Store;
  post: Post;
  /** Every request that reached the relayer's desk: method, path, headers and body. */
  traffic: string[];
  directory: string;
  owners: Owner[];
  /** Writes what is queued into the state tree, at a new epoch. */
  writeQueue(): Promise<void>;
  accountOf(owner: Owner): Promise<Account>;
  /** What makes a maker or a taker of an owner, from its record. */
  maker(owner: Owner, rules?: Partial<MakerRules>, more?: Partial<MakerConfig>): Maker & { close(): void };
  taker(owner: Owner, more?: Partial<TakerConfig>): Taker & { close(): void };
  /** Ends what is left of takers and makers. */
  closeRecords(): void;
  close(): Promise<void>;
}

export const RULES: MakerRules = {
  spreadBasisPoints: 10n,
  maxNotional: 1_000_000n * USD,
  maxPosition: 1_000_000n * USD,
  quoteSeconds: 100,
  settleSeconds: 300,
  cushion: 0n,
};

/** Sets the desk with this many owners, each with 200,000 USDC in account 1. */
export async function setDesk(owners: number): Promise<DeskStage> {
  const directory = mkdtempSync(join(tmpdir(), "solvus-desk-"));
  const local = await startLocalChain(new Date("2020-05-21T23:22:36Z"));
  const stage = await setStage(local, { openRegistry: true, verifier: "ideal" });
  const { deployed, admin } = stage;
  const verifier = await local.ethers.getContractAt("IdealVerifier", await deployed.ledger.verifier(), admin);
  const prover = idealProver(verifier as unknown as Contract);
  const market = makeMarket(stage, shortSnapshot());
  await market.open();
  const store = await temporaryStore(log);
  const traffic: string[] = [];
  const parts = { log, title: "desk", description: "desk", health: async () => ({}) };
  const { server } = await makeHttp(parts);
  server.addHook("preHandler", async ({ method, url, headers, body }) => {
    traffic.push(JSON.stringify({ method, url, headers, body }));
  });
  await server.register(deskRoutes, { prefix: "/v1/desk", store, log });
  const post = postAt(await server.listen({ port: 0 }));
  const reading = remembering(readingOf(deployed));
  const relayer = standInRelayer(deployed, stage.relayer, FEE);
  const signers = (await local.ethers.getSigners()).slice(-owners);
  const people = signers.map((signer, place): Owner => {
    const name = ["Alder", "Birch", "Cedar", "Dogwood"][place] as string;
    const seed = Buffer.alloc(32, place + 1);
    const file = join(directory, `${name}.jsonl`);
    return { ...institution(name, signer, scopeOf(deployed)), identity: identityOf(seed), file };
  });
  const writeQueue = async (): Promise<void> => {
    await local.advance(60);
    await sealIfDue(deployed, stage.relayer);
    await insertClosedNodes(deployed, prover, stage.relayer);
    await market.next();
  };
  await fundAll({ stage, market, reading, prover, people, writeQueue });
  const records: DeskRecord[] = [];
  const common = { reading, prover, relayer: relayer.link, log, post, scope: deployed.chain };
  const opened = <T extends object>(
    owner: Owner,
    role: "maker" | "taker",
    make: (record: DeskRecord) => T,
  ) => {
    const record = openRecord(owner.file, owner.identity, deployed.chain, role);
    records.push(record);
    return { ...make(record), close: () => record.close() };
  };
  return {
    ...{
      stage,
      local,
      market,
      reading,
      relayer,
      store,
      post,
      traffic,
      directory,
      owners: people,
      writeQueue,
    },
    accountOf: ({ secrets }) => accountOf(reading, secrets),
    maker: (owner, rules = {}, more = {}) =>
      opened(owner, "maker", (record) => {
        const { identity } = owner;
        const account = followOwnAccount(reading, owner.secrets);
        return makeMaker({ ...common, identity, account, record, rules: { ...RULES, ...rules }, ...more });
      }),
    taker: (owner, more = {}) =>
      opened(owner, "taker", (record) => {
        const { identity } = owner;
        const account = followOwnAccount(reading, owner.secrets);
        return makeTaker({ ...common, identity, account, record, pollMs: 1, ...more });
      }),
    closeRecords() {
      for (const record of records.splice(0)) record.close();
    },
    async close() {
      await server.close();
      await store.close();
      await prover.close();
      await stage.prover.close();
      await local.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Keeps every snapshot: accounts are read from their opening whenever a party starts again. */
function remembering(reading: Reading): Reading {
  const kept = new Map<bigint, ReturnType<Reading["snapshots"]>>();
  return {
    ...reading,
    snapshots(root) {
      const known = kept.get(root) ?? reading.snapshots(root);
      kept.set(root, known);
      return known;
    },
  };
}

interface Funding {
  stage: Stage;
  market: Market;
  reading: Reading;
  prover: Prover;
  people: readonly Owner[];
  writeQueue(): Promise<void>;
}

async function fundAll({ stage, market, reading, prover, people, writeQueue }: Funding): Promise<void> {
  const { deployed, admin } = stage;
  for (const { signer, secrets } of people) await openAccount(deployed, prover, signer, secrets);
  await writeQueue();
  for (const { signer, secrets } of people) {
    const cash = 200_000n * USD;
    await (await (deployed.usdc.connect(admin) as Contract).mint(signer.address, cash)).wait();
    await approve(deployed.ledger, signer, deployed.usdc, cash);
    const setting = { snapshot: market.snapshot, payer: signer.address };
    const request = { ...NOTHING, deposit: cash };
    const account = await accountOf(reading, secrets);
    const { proven } = await proveTransition(deployed, prover, account, request, setting);
    await submit(deployed, signer, proven);
  }
  await writeQueue();
}
