import { z } from "zod";
import { FIELD_ORDER } from "./constants.ts";
import { SolvusError } from "./errors.ts";
import { checkPackage, type TradePackage } from "./trade.ts";

/*
 * The trade ticket: what one owner proposes to another and both prove against. It is a file that the two exchange privately: its salt
 * hides the package behind the public trade tag, so whoever reads the ticket can recognise the trade on the chain.
 */

export const TICKET_FORMAT = "solvus-trade-ticket";
const VERSION = 1;

const integer = z.string().regex(/^-?\d{1,78}$/, "expected an integer in decimal digits");
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, "expected an address");

const ticketSchema = z.strictObject({
  format: z.literal(TICKET_FORMAT),
  version: z.literal(VERSION),
  chainId: z.int().min(1),
  ledger: address,
  /** What side 0 receives: ids ascending, lots. */
  legs: z.array(z.strictObject({ id: integer, size: integer })),
  /** Micro-USDC that side 0 receives. */
  cash: integer,
  salt: integer,
  /** Unix seconds of the chain after which neither half can be submitted. */
  deadline: z.int().min(1),
});

/** A proposed trade on a ledger. Side 0 receives what the package says, side 1 the negative of it. */
export interface TradeTicket {
  chainId: bigint;
  ledger: string;
  package: TradePackage;
  deadline: bigint;
}

/** Text of a ticket's file. */
export function formatTicket({ chainId, ledger, package: trade, deadline }: TradeTicket): string {
  const content: z.infer<typeof ticketSchema> = {
    format: TICKET_FORMAT,
    version: VERSION,
    chainId: Number(chainId),
    ledger,
    legs: trade.legs.map(({ id, size }) => ({ id: String(id), size: String(size) })),
    cash: String(trade.cash),
    salt: String(trade.salt),
    deadline: Number(deadline),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/**
 * Reads a ticket's text. Refuses (`ticket.json`, `ticket.format`) text that is not a ticket of this version, unknown fields included, a
 * salt outside the field (`ticket.salt`), and a package that is not in canonical form (`trade.*`).
 */
export function parseTicket(text: string): TradeTicket {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SolvusError("ticket.json", "trade ticket is not JSON, expected the output of `trade propose`");
  }
  const parsed = ticketSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new SolvusError(
      "ticket.format",
      `trade ticket: ${issue?.path.map(String).join(".") || "the document"}: ${issue?.message}`,
    );
  }
  const { chainId, ledger, legs, cash, salt, deadline } = parsed.data;
  const trade: TradePackage = {
    legs: legs.map(({ id, size }) => ({ id: BigInt(id), size: BigInt(size) })),
    cash: BigInt(cash),
    salt: BigInt(salt),
  };
  if (trade.salt < 0n || trade.salt >= FIELD_ORDER)
    throw new SolvusError("ticket.salt", "trade ticket: salt is out of range, expected a field element");
  checkPackage(trade);
  return { chainId: BigInt(chainId), ledger, package: trade, deadline: BigInt(deadline) };
}
