import { FIELD_ORDER } from "../../protocol/constants.ts";
import { BASE_FIELD_ORDER } from "../../protocol/groth16.ts";

/*
 * What a careless or hostile customer may send in place of a proven item. Each body differs from a good one in one respect.
 */

/** A body and what is wrong with it. */
export interface BadBody {
  name: string;
  body: string | Uint8Array;
  /** By default that of JSON. */
  contentType?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: any part of the document may be replaced by anything.
type Loose = any;

/** Bad bodies made from the good JSON text of a transition. */
export function malformedBodies(good: string): BadBody[] {
  const changed = (name: string, change: (document: Loose) => void): BadBody => {
    const document = JSON.parse(good);
    change(document);
    return { name, body: JSON.stringify(document) };
  };
  const signal = (name: string, field: string, value: unknown): BadBody =>
    changed(name, ({ item }) => {
      item.signals[field] = value;
    });
  const raw = (name: string, body: BadBody["body"], contentType?: string): BadBody => ({
    name,
    body,
    ...(contentType !== undefined && { contentType }),
  });
  return [
    raw("nothing", ""),
    raw("no JSON", "Guten Tag"),
    raw("half a document", good.slice(0, good.length / 2)),
    raw("null", "null"),
    raw("a number", "7"),
    raw("a list", `[${good}]`),
    raw("two documents", good + good),
    raw("bytes that are no text", new Uint8Array([0xff, 0xfe, 0x80, 0x00])),
    raw("lists within lists", "[".repeat(20_000) + "]".repeat(20_000)),
    raw("another content type", good, "text/plain"),
    changed("an unknown kind", (document) => {
      document.kind = "theft";
    }),
    changed("another kind than its item", (document) => {
      document.kind = "opening";
    }),
    changed("no item", (document) => {
      delete document.item;
    }),
    changed("a field too many", (document) => {
      document.priority = "1";
    }),
    changed("a field too many in the item", ({ item }) => {
      item.memo = "1";
    }),
    raw("a prototype", good.replace('"item":{', '"item":{"__proto__":{"tier":"1"},')),
    changed("a proof of seven words", ({ item }) => item.proof.pop()),
    changed("a proof of nine words", ({ item }) => item.proof.push("1")),
    changed("a proof with a word that is no coordinate", ({ item }) => {
      item.proof[0] = String(BASE_FIELD_ORDER);
    }),
    changed("a proof of thousands of words", ({ item }) => {
      item.proof = Array.from({ length: 1000 }, () => "1");
    }),
    signal("a nullifier equal to r", "nullifier", String(FIELD_ORDER)),
    signal("a nullifier far beyond r", "nullifier", "9".repeat(10_000)),
    signal("a nullifier below 0", "nullifier", "-1"),
    signal("a nullifier as a number", "nullifier", 7),
    signal("a nullifier in hexadecimal", "nullifier", "0x7"),
    signal("a nullifier with leading zeros", "nullifier", "007"),
    signal("a nullifier with a fraction", "nullifier", "7.0"),
    signal("a nullifier in other digits", "nullifier", "٧"),
    signal("a nullifier with a line break", "nullifier", "7\n"),
    signal("an empty nullifier", "nullifier", ""),
    signal("a nullifier that is null", "nullifier", null),
    signal("a fee as a list", "fee", ["1"]),
    signal("a side that is neither", "side", "2"),
    signal("an unknown mode", "mode", "4"),
    signal("an escrow of one word", "escrow", ["1"]),
    changed("a tier that is none", ({ item }) => {
      item.tier = "2";
    }),
    changed("a deadline beyond 64 bits", ({ item }) => {
      item.terms.deadline = String(2n ** 64n);
    }),
    changed("an address that is too short", ({ item }) => {
      item.terms.recipient = "0x12";
    }),
    changed("a signature that is no hexadecimal", ({ item }) => {
      item.payerSignature = "0xzz";
    }),
    changed("a signature of kilobytes", ({ item }) => {
      item.payerSignature = `0x${"ab".repeat(4096)}`;
    }),
  ];
}
