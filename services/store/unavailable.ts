import { SolvusError } from "../../protocol/errors.ts";

/** SQLSTATE classes and codes of a server that is gone, starting, stopping, full or too slow: connection exception, insufficient resources, operator intervention. */
const GONE = /^(08...|53...|57014|57P0[1-5]|25P03)$/;
const GONE_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENOENT",
]);
const GONE_MESSAGES =
  /terminated|timeout|Connection ended|not queryable|Cannot use a pool|closed the connection|starting up|PGlite is closed/i;

/** Whether an error says that the database cannot be reached now, so that the same will work later. */
export function isUnavailable(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, message, errors } = error as { code?: string; message?: string; errors?: unknown[] };
  if (code !== undefined && (GONE.test(code) || GONE_CODES.has(code))) return true;
  if (errors?.some(isUnavailable)) return true;
  return code === undefined && GONE_MESSAGES.test(message ?? "");
}

/** Runs something on the database; throws `store.unavailable` when it cannot be reached. Whether it was done is then unknown. */
export async function reaching<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    const { code } = error as { code?: string };
    throw new SolvusError(
      "store.unavailable",
      `database: cannot be reached now${code === undefined ? "" : ` (${code})`}, expected it to answer; try again`,
    );
  }
}
