import { z } from "zod";

const decimal = z.string().regex(/^\d+$/).transform(BigInt);

/** `assets.json` of a data directory: the spot assets that its ledger takes. */
export const assetsSchema = z.array(
  z.strictObject({
    /** Instrument id. */
    id: decimal,
    name: z.string(),
    token: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
    /** Smallest token units in a lot. */
    unitsPerLot: decimal,
    decimals: z.int(),
  }),
);
