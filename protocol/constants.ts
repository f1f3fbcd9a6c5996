/**
 * Bounds and domain tags that model, circuits and contract share. Each bound states what follows from it; the circuits name the same
 * constants in `circuits/lib/constants.circom`.
 */

/** Order of the BN254 scalar field, in which every commitment and public signal lives. */
export const FIELD_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

/** Cash is signed micro-USDC in [-2^60, 2^60): about a trillion dollars, and room for any sum of flows of one transition. */
export const CASH_BITS = 60n;
export const CASH_BOUND = 1n << CASH_BITS;

/** Sizes are signed lots in [-2^36, 2^36), the range of a 37-bit two's complement number. */
export const SIZE_BITS = 36n;
export const SIZE_BOUND = 1n << SIZE_BITS;

/** Marks, losses, funding indexes and add-ons are micro-USDC per lot with absolute value < 2^40. */
export const ROW_VALUE_BITS = 40n;
export const ROW_VALUE_BOUND = 1n << ROW_VALUE_BITS;

/** Ratios are Q16 fixed point, below 2^20, that is below 16. */
export const Q16 = 1n << 16n;
export const RATIO_BOUND = 1n << 20n;

/** Instrument ids are 32 bits and never reused; 0 is the null instrument. */
export const ID_BITS = 32n;
export const ID_BOUND = 1n << ID_BITS;

/** Scenarios of a risk array. */
export const SCENARIOS = 16;

/**
 * Distance of two losses inside a packed word. A sum over a note's 20 legs of size·loss is below 20·2^36·2^40 < 2^81 in absolute
 * value, so three sums, each within ±2^81, stay apart at a distance of 2^84.
 */
export const LOSS_DIGIT_BITS = 84n;
/** Packed words of a risk array: three losses a word. */
export const LOSS_WORDS = 6;

/** Legs a note has room for: the first eleven in its main hash, the others in the tail hash. */
export const NOTE_LEGS = 20;
export const NOTE_HEAD_LEGS = 11;

/** Legs of a trade package. */
export const PACKAGE_LEGS = 4;

/** Kinds of instrument, as in a risk row's flags (`flags = kind + 4·settled`); 0 is the null row. */
export const KIND = { null: 0n, spot: 1n, perpetual: 2n, option: 3n } as const;

/** Modes of a transition. */
export const MODE = { normal: 0n, reduceOnly: 1n, exit: 2n, windDown: 3n } as const;

/** Arities from the leaves up: rows inside one underlying's subtree (1,089 places, the first one the null row). */
export const ROW_TREE_ARITIES = [11, 11, 9] as const;
/** Arities from the underlyings up: 64 underlyings. */
export const UNDERLYING_TREE_ARITIES = [8, 8] as const;

/** State tree: bottom nodes of 16 leaves under eight levels of arity 8: 2^28 places. */
export const STATE_NODE_LEAVES = 16;
export const STATE_TREE_ARITY = 8;
export const STATE_TREE_LEVELS = 8;

/** Registry of entities: three levels of arity 16, 4,096 places. */
export const REGISTRY_ARITY = 16;
export const REGISTRY_LEVELS = 3;

/**
 * Domain tags: the initial capacity element of each use of Poseidon, so that no hash of one use is a hash of another. A tag in the
 * capacity takes none of the sixteen inputs. 0, circomlib's default, is left unused.
 */
export const DOMAIN = {
  owner: 1n,
  entity: 2n,
  note: 3n,
  noteTail: 4n,
  spend: 5n,
  pad: 6n,
  trade: 7n,
  snapshot: 8n,
  row: 9n,
  rowNode: 10n,
  underlyingNode: 11n,
  stateLeaves: 12n,
  stateNode: 13n,
  registryLeaf: 14n,
  registryNode: 15n,
  count: 16n,
  openPad: 17n,
  ephemeral: 18n,
  takeOverPad: 19n,
} as const;
