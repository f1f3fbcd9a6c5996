import { createServer } from "node:net";
import { Misuse } from "../../protocol/errors.ts";

/** Misuse (`cli.port`) unless the loopback interface has this port free; 0 always is. Asked first, because the chain's server throws. */
export function requireFreePort(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (): void =>
      reject(new Misuse("cli.port", `--port is ${port}, expected one from 0 to 65535 that is free`));
    if (port > 65_535) return refuse();
    const probe = createServer();
    probe.once("error", refuse);
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve()));
  });
}
