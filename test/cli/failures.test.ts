import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Interface } from "ethers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { requireOwnFiles } from "../../cli/dev/dev.ts";
import { developmentKey } from "../../cli/dev/developmentKey.ts";
import { requireFreePort } from "../../cli/dev/freePort.ts";
import { EXIT, failureOf } from "../../cli/exitCode.ts";
import { secretFrom } from "../../cli/password.ts";
import { Misuse, reading, SolvusError } from "../../protocol/errors.ts";
import { connectRpc } from "../../services/chain/rpc.ts";
import { readText, writeText } from "../../services/files.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "solvus-cli-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const rule = (name: string) => expect.objectContaining({ rule: name });

describe("failures", () => {
  test("rules refuse with 1, malformed input is misuse with 2", () => {
    const refusal = new SolvusError("transition.initialMargin", "equity: …");
    expect(failureOf(refusal)).toMatchObject({ exitCode: EXIT.refused, rule: "transition.initialMargin" });
    const read = () =>
      reading(() => {
        throw refusal;
      });
    expect(read).toThrow(Misuse);
    expect(failureOf(new Misuse("file.read", "…")).exitCode).toBe(EXIT.misuse);
  });

  test("contract errors carry their name and arguments", () => {
    const face = new Interface(["error SnapshotStale(uint256 staleSince)"]);
    const data = face.encodeErrorResult("SnapshotStale", [17]);
    expect(failureOf({ info: { error: { data } } })).toEqual({
      exitCode: EXIT.refused,
      rule: "ledger.SnapshotStale",
      message: "staleSince is 17",
    });
  });

  test("an unexpected error is one line", () => {
    expect(failureOf(new Error("first\nsecond"))).toMatchObject({ rule: "cli.failed", message: "first" });
  });
});

describe("files", () => {
  test("are written whole, and secret ones for their owner alone", () => {
    const file = join(directory, "text");
    writeText(file, "one");
    writeText(file, "two");
    expect(readText(file, "<file>")).toBe("two");
    expect(() => writeText(directory, "three")).toThrow(rule("file.write"));
    expect(() => writeText("/dev/null", "three")).toThrow(rule("file.write"));
    const secret = join(directory, "secret");
    writeText(secret, "four", { secret: true });
    expect(statSync(secret).mode & 0o777).toBe(0o600);
    // Written aside and renamed: a reader of the old file keeps its content whole.
    const before = openSync(file, "r");
    writeText(file, "three");
    expect(readFileSync(before, "utf8")).toBe("two");
    closeSync(before);
    expect(readText(file, "<file>")).toBe("three");
  });
});

test("a local chain neither writes over nor removes files of the same names that it did not make", () => {
  const place = mkdtempSync(join(directory, "dev-"));
  expect(() => requireOwnFiles(join(place, "none"))).not.toThrow();
  writeFileSync(join(place, "deployment.json"), "{}");
  expect(() => requireOwnFiles(place)).toThrow(rule("dev.directory"));
  writeFileSync(join(place, "alice.key"), "0x12\n");
  expect(() => requireOwnFiles(place)).toThrow(rule("dev.directory"));
  // What a run that was killed has left.
  writeFileSync(join(place, "alice.key"), `${developmentKey(1)}\n`);
  expect(() => requireOwnFiles(place)).not.toThrow();
});

describe("secrets", () => {
  test("come from a file's first line or the environment", () => {
    const file = join(directory, "password");
    writeFileSync(file, "correct horse\r\n");
    expect(secretFrom(file, "--password-file", "SOLVUS_TEST_SECRET")).toBe("correct horse");
    vi.stubEnv("SOLVUS_TEST_SECRET", "battery");
    expect(secretFrom(undefined, "--password-file", "SOLVUS_TEST_SECRET")).toBe("battery");
    vi.unstubAllEnvs();
    expect(() => secretFrom(undefined, "--password-file", "SOLVUS_TEST_SECRET")).toThrow(rule("cli.secret"));
    writeFileSync(file, "\n");
    expect(() => secretFrom(file, "--password-file", "SOLVUS_TEST_SECRET")).toThrow(rule("cli.secret"));
    expect(readFileSync(file, "utf8")).toBe("\n");
  });
});

test("a port that is taken, or none, is misuse", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await expect(requireFreePort(port)).rejects.toThrow(rule("cli.port"));
  await expect(requireFreePort(70_000)).rejects.toThrow(rule("cli.port"));
  server.close();
  await expect(requireFreePort(0)).resolves.toBeUndefined();
});

describe("JSON-RPC endpoints", () => {
  test("that do not answer are misuse, named without path or password", async () => {
    const url = "http://user:hunter2@127.0.0.1:9/v3/api-key";
    const failure = await connectRpc(url).catch((error) => error);
    expect(failure).toMatchObject({ rule: "rpc.unreachable" });
    expect(failure.message).not.toMatch(/hunter2|api-key/);
    await expect(connectRpc("nonsense")).rejects.toThrow(rule("rpc.unreachable"));
  });

  test("that fail later are named without path or password as well", async () => {
    const server = createServer(async (request, response) => {
      const chunks = await request.toArray();
      const { id, method } = JSON.parse(Buffer.concat(chunks).toString());
      if (method === "eth_chainId") response.end(JSON.stringify({ jsonrpc: "2.0", id, result: "0x7a69" }));
      else response.writeHead(401).end("no");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const provider = await connectRpc(`http://127.0.0.1:${port}/v3/api-key`);
    const failure = failureOf(await provider.getBlockNumber().catch((error) => error));
    expect(failure.rule).toBe("cli.failed");
    expect(failure.message).toMatch(/401/);
    expect(failure.message).not.toMatch(/api-key/);
    provider.destroy();
    server.close();
  });

  test("that answer something else are misuse too", async () => {
    const server = createServer((_, response) => response.end("<html>"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await expect(connectRpc(`http://127.0.0.1:${port}`)).rejects.toThrow(rule("rpc.unreachable"));
    server.close();
  });
});
