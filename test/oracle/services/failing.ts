import { Wallet } from "ethers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { developmentKey } from "../../../cli/dev/developmentKey.ts";
import { attach } from "../../../services/chain/deployment.ts";
import { connectRpc } from "../../../services/chain/rpc.ts";
import { type RpcFaults, serveFaulty } from "../../support/faultyRpc.ts";
import { minute, posted, present, source } from "./setting.ts";

/** Aggregators that die, race, or have bad nodes. */
export function failingSuite(): void {
  beforeEach(minute);
  afterEach(() => present.world.quiet());

  test("after it has the signatures is followed by another that posts the same header", async () => {
    const reporters = await present.world.report(present.world.stage.reporters, source);
    let kill = (): void => {};
    const killed = new Promise<void>((resolve) => {
      kill = resolve;
    });
    const first = await present.world.aggregate([reporters.url], {
      onStage: (stage) => {
        if (stage !== "gathered") return;
        kill();
        throw new Error("killed");
      },
    });
    await killed;
    await first.stop();
    expect(await present.world.epoch()).toBe(present.before);
    // Time goes on: the second one would observe at another time.
    const { time } = await present.world.readState();
    await present.world.local.advance(20);
    const second = await present.world.aggregate([reporters.url]);
    await present.world.reached(present.before + 1);
    expect(await posted(second)).toMatchObject({ resumed: true });
    const { latest } = await present.world.readState();
    expect(Number(latest!.posted.time)).toBeLessThanOrEqual(time);
  });

  test("after some have signed, with a header that can no longer be posted: they sign another", async () => {
    const reporters = await present.world.report(present.world.stage.reporters, source);
    let gathered = 0;
    const first = await present.world.aggregate([reporters.url], {
      onStage: (stage) => {
        if (stage === "gathered") gathered++;
        if (stage === "gathered") throw new Error("killed");
      },
    });
    await present.world.until(() => gathered > 0, "signatures");
    await first.stop();
    await present.world.local.advance(240);
    const second = await present.world.aggregate([reporters.url]);
    await present.world.reached(present.before + 1);
    expect(await posted(second)).toMatchObject({ resumed: false });
  });

  test("has no part in an epoch that another posts at the same time", async () => {
    const reporters = await present.world.report(present.world.stage.reporters, source);
    const other = new Wallet(developmentKey(1), present.world.stage.deployed.provider);
    const both = [
      await present.world.aggregate([reporters.url]),
      await present.world.aggregate([reporters.url], { signer: other }),
    ];
    await present.world.reached(present.before + 1);
    await present.world.local.advance(60);
    await present.world.reached(present.before + 2);
    expect(await present.world.epoch()).toBe(present.before + 2);
    await present.world.quiet();
    const lines = both.flatMap((aggregator) => aggregator.lines.filter(({ msg }) => msg === "epoch posted"));
    expect(lines.map(({ epoch }) => epoch).sort()).toEqual([present.before + 1, present.before + 2]);
  });

  test("to act is followed by one that stands by, once the epoch is overdue", async () => {
    const reporters = await present.world.report(present.world.stage.reporters, source);
    const standby = await present.world.aggregate([reporters.url], { rules: { standbySeconds: 30 } });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await present.world.epoch()).toBe(present.before);
    await present.world.local.advance(30);
    await posted(standby);
  });

  const errorOn =
    (methods: readonly string[], times: number): RpcFaults =>
    ({ method, earlier }) =>
      methods.includes(method) && earlier < times
        ? { kind: "error", code: -32_000, message: "the node is tired" }
        : undefined;
  test.each<[string, RpcFaults]>([
    ["answers with errors", errorOn(["eth_getBlockByNumber", "eth_call", "eth_getLogs"], 3)],
    [
      "refuses to estimate and to take transactions",
      errorOn(["eth_estimateGas", "eth_sendRawTransaction"], 2),
    ],
    [
      "takes the posting and does not say so",
      ({ method, earlier }) =>
        method === "eth_sendRawTransaction" && earlier === 0 ? { kind: "cutAnswer" } : undefined,
    ],
    [
      "is behind a gateway that fails",
      ({ earlier }) => (earlier < 2 ? { kind: "status", status: 502 } : undefined),
    ],
  ])("because its node %s posts in the end, once", async (_, faults) => {
    const rpc = await serveFaulty(present.world.local.ethers);
    const provider = await connectRpc(rpc.url);
    try {
      const deployed = await attach(provider, present.world.stage.deployed.deployment);
      const reporters = await present.world.report(present.world.stage.reporters, source);
      rpc.setFaults(faults);
      const aggregator = await present.world.aggregate([reporters.url], {
        deployed,
        signer: new Wallet(developmentKey(2), provider),
      });
      await present.world.reached(present.before + 1);
      await aggregator.stop();
      expect(await present.world.epoch()).toBe(present.before + 1);
      expect(rpc.faulted()).toBeGreaterThan(0);
      expect(JSON.stringify(aggregator.lines)).not.toContain(rpc.url);
    } finally {
      await present.world.quiet();
      provider.destroy();
      await rpc.close();
    }
  });
}
