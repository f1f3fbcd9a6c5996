declare module "circomlibjs" {
  // biome-ignore lint/suspicious/noExplicitAny: the library ships no types
  export function buildPoseidon(): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: the library ships no types
  export function buildBabyjub(): Promise<any>;
}
