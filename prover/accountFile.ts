import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { AccountPosition } from "../protocol/accountHistory.ts";
import { commitmentOf, type Note } from "../protocol/note.ts";
import { writePrivateFile } from "./privateFile.ts";
import type { LedgerScope } from "./secrets.ts";

/*
 * An account's last known note, kept so that following it need not start at its opening. Nothing but a cache: a file that is lost,
 * damaged or of another ledger is as good as none. It holds rho, so it is private, but no secret that spends.
 */

/** Which account a file is of. */
export interface AccountName extends LedgerScope {
  number: bigint;
}

const integer = z.string().regex(/^-?(0|[1-9]\d{0,79})$/, "a decimal integer");
const fileSchema = z.strictObject({
  format: z.literal("solvus-account"),
  version: z.literal(1),
  chainId: integer,
  ledger: z.string(),
  number: integer,
  leafIndex: integer,
  commitment: integer,
  note: z.strictObject({
    ownerKey: integer,
    entity: integer,
    rho: integer,
    cash: integer,
    legs: z.array(z.strictObject({ id: integer, size: integer, fundingIndex: integer })),
  }),
});

/** Writes the position of an account, in a file of mode 0600. */
export async function saveAccount(file: string, name: AccountName, position: AccountPosition): Promise<void> {
  const { note, leafIndex } = position;
  const content = {
    format: "solvus-account",
    version: 1,
    chainId: name.chainId,
    ledger: name.ledger,
    number: name.number,
    leafIndex,
    commitment: commitmentOf(note),
    note,
  };
  const text = JSON.stringify(content, (_, value) => (typeof value === "bigint" ? String(value) : value), 2);
  await writePrivateFile(file, `${text}\n`);
}

/** The position in a file; undefined when it is missing, damaged or another account's. */
export async function loadAccount(file: string, name: AccountName): Promise<AccountPosition | undefined> {
  try {
    const content = fileSchema.parse(JSON.parse(await readFile(file, "utf8")));
    const same =
      BigInt(content.chainId) === name.chainId &&
      content.ledger.toLowerCase() === name.ledger.toLowerCase() &&
      BigInt(content.number) === name.number;
    if (!same) return undefined;
    const { ownerKey, entity, rho, cash, legs } = content.note;
    const note: Note = {
      ownerKey: BigInt(ownerKey),
      entity: BigInt(entity),
      rho: BigInt(rho),
      cash: BigInt(cash),
      legs: legs.map(({ id, size, fundingIndex }) => ({
        id: BigInt(id),
        size: BigInt(size),
        fundingIndex: BigInt(fundingIndex),
      })),
    };
    if (commitmentOf(note) !== BigInt(content.commitment)) return undefined;
    return { note, leafIndex: BigInt(content.leafIndex) };
  } catch {
    return undefined;
  }
}
