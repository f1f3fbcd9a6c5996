import { describe, expect, test } from "vitest";
import { NOBODY } from "../../contracts/signing.ts";
import { FIELD_ORDER } from "../../protocol/constants.ts";
import { formatTicket, parseTicket, type TradeTicket } from "../../protocol/tradeTicket.ts";
import { formatHalf, halfSchema, provenOf } from "../../services/account/half.ts";
import { parseJson } from "../../services/files.ts";

const ticket: TradeTicket = {
  chainId: 31337n,
  ledger: "0x5FC8d32690cc91D4c39d9d3abcBD16989F875707",
  package: {
    legs: [
      { id: 2n, size: -15n },
      { id: 83n, size: 7n },
    ],
    cash: -1_234_567n,
    salt: FIELD_ORDER - 1n,
  },
  deadline: 1_590_103_999n,
};
const text = formatTicket(ticket);
const rule = (name: string) => expect.objectContaining({ rule: name });

describe("trade ticket", () => {
  test("survives its text", () => {
    expect(parseTicket(text)).toEqual(ticket);
  });

  test.each([
    ["text that is no JSON", "ticket", "ticket.json"],
    ["another version", text.replace('"version": 1', '"version": 2'), "ticket.format"],
    ["an unknown field", text.replace('"version": 1', '"version": 1, "note": 1'), "ticket.format"],
    ["a missing field", text.replace(/"deadline": \d+/, '"cash2": 1'), "ticket.format"],
    ["a size that is a number", text.replace('"-15"', "-15"), "ticket.format"],
    ["a salt outside the field", text.replace(String(FIELD_ORDER - 1n), String(FIELD_ORDER)), "ticket.salt"],
    ["legs out of order", text.replace('"83"', '"1"'), "trade.order"],
    ["a leg of size 0", text.replace('"-15"', '"0"'), "trade.size"],
  ])("refuses %s", (_, altered, name) => {
    expect(() => parseTicket(altered)).toThrow(rule(name));
  });
});

describe("proven half", () => {
  const signals = {
    stateRoot: 1n,
    snapshotRoot: 2n,
    registryRoot: 0n,
    nullifier: 3n,
    commitment: 4n,
    mode: 0n,
    asset: 0n,
    deposit: 0n,
    withdrawal: 0n,
    fee: 0n,
    tradeTag: 5n,
    side: 1n,
    escrow: [6n, 7n],
  };
  const terms = { payer: NOBODY, recipient: NOBODY, relayer: NOBODY, deadline: 8n };
  const half = { tier: 0n, proof: [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n], signals, terms, payerSignature: "0x" };

  test("survives its text", () => {
    expect(provenOf(parseJson(formatHalf(half), "half", halfSchema))).toEqual(half);
  });

  test.each([
    ["a short proof", formatHalf({ ...half, proof: [1n] })],
    ["another version", formatHalf(half).replace('"version": 1', '"version": 2')],
    ["an unknown signal", formatHalf(half).replace('"mode"', '"mood"')],
  ])("refuses %s", (_, altered) => {
    expect(() => parseJson(altered, "half", halfSchema)).toThrow(rule("file.format"));
  });
});
