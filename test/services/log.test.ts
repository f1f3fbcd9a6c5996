import { JsonRpcProvider, Network } from "ethers";
import { expect, test } from "vitest";
import { makeLog } from "../../services/log.ts";

function logged(write: (log: ReturnType<typeof makeLog>) => void): string {
  const lines: string[] = [];
  write(makeLog("test", { write: (line) => void lines.push(line) }));
  return lines.join("");
}

test("a failing endpoint is told by its host, without the key in its address", async () => {
  const network = Network.from(1);
  const url = "http://user:hunter2@127.0.0.1:9/v2/hunter3?key=hunter4";
  const provider = new JsonRpcProvider(url, network, { staticNetwork: network });
  const failure = await provider.getBlockNumber().catch((error: unknown) => error);
  provider.destroy();
  expect(failure).toBeInstanceOf(Error);
  const line = logged((log) => log.error({ err: failure }, "round failed"));
  expect(line).not.toMatch(/hunter/);
  expect(JSON.parse(line).err.message).not.toBe("");
  const quoted = logged((log) =>
    log.error({ err: new Error(`cannot reach ${url} (or postgres://a:hunter5@db/x)`) }),
  );
  expect(JSON.parse(quoted).err.message).toBe("cannot reach http://127.0.0.1:9 (or postgres://db)");
});

test("an error is one line, with what a node said", () => {
  const error = Object.assign(new Error("long\nstack of hunter2"), {
    shortMessage: "could not coalesce error",
    info: { error: { message: "busy" } },
  });
  const line = logged((log) => log.warn({ err: error }));
  expect(JSON.parse(line).err).toEqual({ name: "Error", message: "could not coalesce error: busy" });
  expect(JSON.parse(logged((log) => log.warn({ err: "text" }))).err).toEqual({ message: "text" });
});

test("fields that hold secrets are not told", () => {
  const line = logged((log) => log.info({ key: "hunter2", deep: { er: { rho: "hunter3" } }, place: "7" }));
  expect(line).not.toMatch(/hunter/);
  expect(JSON.parse(line)).toMatchObject({ key: "[secret]", place: "7" });
});
