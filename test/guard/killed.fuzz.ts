import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import type { TopUpStage } from "../../services/guard/topUp.ts";
import { startProcess } from "../support/processes.ts";
import type { GuardProcessConfiguration } from "./guardProcess.ts";
import { ALDER, type GuardStage, guardStage, USD } from "./stage.ts";

/*
 * A guard in a process of its own, killed as the kernel kills at each stage of a deposit, and started again. Tests build on one another.
 */

const PROVER = 15;
const ENTRY = new URL("./guardProcess.ts", import.meta.url);

let on: GuardStage;
let configuration: Omit<GuardProcessConfiguration, "dataDirectory" | "dollars">;

beforeAll(async () => {
  on = await guardStage();
  const { deployed } = on.stage;
  const address: string = await deployed.ledger.verifier();
  const verifier = await on.local.ethers.getContractAt("IdealVerifier", address);
  configuration = {
    rpc: on.local.url,
    deployment: deployed.deployment,
    keystore: on.at("alder.keystore"),
    key: developmentKey(1),
    proverKey: developmentKey(PROVER),
    verifier: { address, abi: JSON.parse(verifier.interface.formatJson()) },
  };
});
afterAll(() => on?.close());

const recordIn = (directory: string) => JSON.parse(readFileSync(join(directory, "guard.json"), "utf8"));

test.each<TopUpStage>(["planned", "proven", "recorded", "submitted"])(
  "killed when the deposit is %s, it deposits once in the end",
  async (stage) => {
    const before = await on.wallet();
    const { note } = await on.account(ALDER);
    const own = { ...configuration, dataDirectory: on.at(stage), dollars: 7 };
    const first = await startProcess<null>(ENTRY, { ...own, death: { stage } });
    expect((await first.ended).signal).toBe("SIGKILL");
    expect(recordIn(own.dataDirectory).topUps).toMatchObject([{ outcome: "open", amount: String(7n * USD) }]);

    const second = await startProcess<null>(ENTRY, own);
    await expect
      .poll(() => recordIn(own.dataDirectory).topUps.map(({ outcome }: { outcome: string }) => outcome), {
        timeout: 60_000,
      })
      .toEqual(["landed"]);
    expect((await second.stop()).code).toBe(0);
    expect(before - (await on.wallet())).toBe(7n * USD);
    expect((await on.account(ALDER)).note.cash - note.cash).toBe(7n * USD);
    expect(second.output()).not.toContain(developmentKey(1).slice(2));
    await on.writeQueue();
  },
);
