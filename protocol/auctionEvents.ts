import { FIELD_ORDER, NOTE_LEGS } from "./constants.ts";
import { ensure } from "./errors.ts";
import { EMPTY_LEG, LEG_ID_SHIFT, LEG_SIZE_SHIFT, type Leg } from "./leg.ts";
import { checkNote, commitmentOf, type Note } from "./note.ts";

/** An event of the liquidation auction, in the order of the chain. Places are leaf indexes in the state tree. */
export type AuctionEvent =
  | {
      kind: "flagged";
      leafIndex: bigint;
      nullifier: bigint;
      epoch: bigint;
      firstEpoch: bigint;
      /** Unix seconds. */
      clockStart: bigint;
    }
  | { kind: "cleared"; leafIndex: bigint; nullifier: bigint; epoch: bigint }
  /** A note's opening was published: owner key, entity, rho, cash, twenty packed legs, as field elements. */
  | { kind: "revealed"; leafIndex: bigint; nullifier: bigint; words: bigint[] }
  /** A take-over moved the flag to the target's new note, or ended it. */
  | { kind: "flagMoved"; leafIndex: bigint; newLeafIndex: bigint; cured: boolean };

/** A flag that nobody cleared; it may have lapsed, ten minutes after its last proof. */
export interface StandingFlag {
  /** Epoch of its first proof; take-overs need a later one. */
  firstEpoch: bigint;
  /** Unix seconds since when the auction's rate grows. */
  clockStart: bigint;
  /** The note's opening was published. */
  revealed: boolean;
}

/** The flags that a sequence of events leaves, by leaf index. */
export function standingFlags(events: Iterable<AuctionEvent>): Map<bigint, StandingFlag> {
  const flags = new Map<bigint, StandingFlag>();
  const revealed = new Set<bigint>();
  for (const event of events) {
    const { leafIndex } = event;
    const flag = flags.get(leafIndex);
    switch (event.kind) {
      case "flagged":
        flags.set(leafIndex, {
          firstEpoch: event.firstEpoch,
          clockStart: event.clockStart,
          revealed: revealed.has(leafIndex),
        });
        break;
      case "revealed":
        revealed.add(leafIndex);
        if (flag !== undefined) flag.revealed = true;
        break;
      case "cleared":
        flags.delete(leafIndex);
        break;
      case "flagMoved":
        flags.delete(leafIndex);
        if (flag !== undefined && !event.cured) flags.set(event.newLeafIndex, { ...flag, revealed: false });
    }
  }
  return flags;
}

const HEAD = 4;

const signed = (element: bigint): bigint => (element > FIELD_ORDER / 2n ? element - FIELD_ORDER : element);

/** The value of the low `bits` of a word, read as a two's complement number. */
function lowSigned(word: bigint, bits: bigint): bigint {
  return BigInt.asIntN(Number(bits), word);
}

function unpackLeg(element: bigint): Leg {
  if (element === 0n) return EMPTY_LEG;
  const word = signed(element);
  const fundingIndex = lowSigned(word, LEG_SIZE_SHIFT);
  const rest = (word - fundingIndex) >> LEG_SIZE_SHIFT;
  const size = lowSigned(rest, LEG_ID_SHIFT - LEG_SIZE_SHIFT);
  return { id: (rest - size) >> (LEG_ID_SHIFT - LEG_SIZE_SHIFT), size, fundingIndex };
}

/**
 * The note that a reveal published, with which anybody can follow the account and bid for it. Throws `reveal.words` when the words do not
 * open the commitment at the revealed place.
 */
export function revealedNote(words: readonly bigint[], commitment: bigint): Note {
  const [ownerKey = 0n, entity = 0n, rho = 0n, cash = 0n, ...legs] = words;
  const note: Note = { ownerKey, entity, rho, cash: signed(cash), legs: legs.map(unpackLeg) };
  ensure(
    words.length === HEAD + NOTE_LEGS && commitmentOf(note) === commitment,
    "reveal.words",
    `words of a reveal: open another note, expected the one of commitment ${commitment}`,
  );
  checkNote(note);
  return note;
}
