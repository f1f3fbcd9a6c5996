/** The part of proper-lockfile that the set-up uses; the library ships no types. */
declare module "proper-lockfile" {
  export interface LockOptions {
    lockfilePath?: string;
    stale?: number;
    update?: number;
  }
  export function lock(file: string, options?: LockOptions): Promise<() => Promise<void>>;
}
