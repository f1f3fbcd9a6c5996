import { type Logger, type LoggerOptions, pino } from "pino";

/** A service's log: one JSON object a line. */
export type Log = Logger;

/**
 * Fields that could hold a secret, wherever they appear up to three levels down. What is logged should not hold them in the first place;
 * this is the second line.
 */
const SECRET_FIELDS = [
  "privateKey",
  "key",
  "secret",
  "password",
  "spendSecret",
  "entitySecret",
  "rho",
  "committeeKey",
  "mnemonic",
  "authorization",
  "databaseUrl",
];

const REDACTED = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);

/** An address with a scheme: only scheme and host are told, for keys and passwords are in the rest. */
const ADDRESS = /\b([a-z]+:\/\/)(?:[^\s"'/@]*@)?([^\s"'/)?]+)[^\s"')]*/g;

/** What an error says, in one line without secrets: libraries for chains quote endpoint and call behind a short message. */
export function told(error: unknown): string {
  const { shortMessage, info } = error as { shortMessage?: string; info?: { error?: { message?: string } } };
  const text = shortMessage ?? (error instanceof Error ? error.message : String(error));
  const node = info?.error?.message;
  const line = (node === undefined ? text : `${text}: ${node}`).split("\n")[0] as string;
  return line.replace(ADDRESS, "$1$2").slice(0, 400);
}

/** Errors as one line: stacks and causes may quote inputs. */
const serializers: LoggerOptions["serializers"] = {
  err: (error: unknown) => ({
    ...(error instanceof Error ? { name: error.name } : {}),
    message: told(error ?? "nothing"),
  }),
};

/** A log on standard output for a service, at the level that SOLVUS_LOG_LEVEL names (by default `info`). */
export function makeLog(service: string, destination?: { write(line: string): void }): Log {
  const options: LoggerOptions = {
    name: service,
    level: process.env.SOLVUS_LOG_LEVEL ?? "info",
    redact: { paths: REDACTED, censor: "[secret]" },
    serializers,
    formatters: { level: (label) => ({ level: label }) },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
