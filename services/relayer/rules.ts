/** How a relayer sends. Milliseconds are of the wall clock. */
export interface EngineRules {
  /** Most items of a batch; the ledger takes 16. */
  batchSize: number;
  /** A batch goes when its oldest item has waited this long, however small it is. */
  batchAgeMs: number;
  /** Blocks after which a mined transaction counts as final, its own included. */
  confirmations: number;
  /** Most transactions of one key that are sent and not mined. */
  mostInFlight: number;
  /** A transaction that is not mined for so long, while blocks come, is sent again with higher fees. */
  bumpAfterMs: number;
  /** By how much at least the fees then rise; nodes ask for 12.5%. */
  bumpPercent: number;
  /** Wei per gas above which no transaction bids. */
  maxFeePerGas: bigint;
  /** How long an item that cannot be sent for a reason that may pass is tried again before it is refused. */
  patienceMs: number;
  /** How long the chain must say that another transaction took a nonce before that is believed: nodes behind one address differ. */
  lostAfterMs: number;
  /** A key is given up by a process that did not renew its lease for so long. */
  leaseMs: number;
  /** How long a node is waited for. */
  rpcTimeoutMs: number;
  /** How often the chain is looked at when nothing happens here. */
  tickMs: number;
  /** Whether nodes of the state tree are sealed, proven and written. */
  insertions: boolean;
}

export const DEFAULT_RULES: EngineRules = {
  batchSize: 16,
  batchAgeMs: 2_000,
  confirmations: 3,
  mostInFlight: 4,
  bumpAfterMs: 30_000,
  bumpPercent: 12.5,
  maxFeePerGas: 500_000_000_000n,
  patienceMs: 120_000,
  lostAfterMs: 15_000,
  leaseMs: 10_000,
  rpcTimeoutMs: 15_000,
  tickMs: 500,
  insertions: true,
};
