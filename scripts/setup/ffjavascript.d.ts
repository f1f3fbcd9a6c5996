/** The part of ffjavascript that set-up and prover use; the library ships no types. Points and field elements are Montgomery bytes. */
declare module "ffjavascript" {
  export interface Field {
    n8: number;
    batchToMontgomery(buffer: Uint8Array): Promise<Uint8Array>;
    e(value: bigint): Uint8Array;
  }
  export interface Group {
    g: Uint8Array;
    timesFr(point: Uint8Array, scalar: Uint8Array): Uint8Array;
    toRprLEM(buffer: Uint8Array, offset: number, point: Uint8Array): void;
    toObject(point: Uint8Array): unknown;
    toAffine(point: Uint8Array): Uint8Array;
  }
  export interface Curve {
    name: string;
    q: bigint;
    r: bigint;
    Fr: Field;
    G1: Group;
    G2: Group;
    Gt: { toObject(value: Uint8Array): unknown };
    pairing(a: Uint8Array, b: Uint8Array): Uint8Array;
    terminate(): Promise<void>;
    tm: {
      memory: WebAssembly.Memory;
      u8: Uint8Array;
      u32: Uint32Array;
      instance: { exports: Record<string, (...parameters: number[]) => number> };
    };
  }
  export function buildBn128(singleThread?: boolean): Promise<Curve>;
  export const utils: { stringifyBigInts(value: unknown): unknown };
}
