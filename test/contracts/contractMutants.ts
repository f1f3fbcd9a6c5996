/** A fault put into a contract: where `find` stands, `replace` does when the mutant is switched on. */
export interface ContractMutant {
  /** File in contracts/. */
  file: string;
  /** Text that occurs once in the file. */
  find: string;
  /** What stands there instead; `ON` is the switch. */
  replace: string;
  /** A change of the file without which that would not compile, and which alters nothing. */
  also?: readonly [find: string, replace: string];
  /** The invariant that must become red. */
  invariant: string;
}

const SPENT_ONCE = "invariantNotesAreSpentOnce";
const ACCOUNTED = "invariantEveryTokenIsAccountedFor";
const PROVEN = "invariantEverybodyHasWhatWasProvenForHim";
const GROW = "invariantRootsAndLeavesOnlyGrow";
const FUND = "invariantTheFundIsNeverBelowZero";
const LOCK = "invariantTheLockHolds";
const EPOCH = "invariantNoStaleEpochIsAccepted";
const ROLES = "invariantRolesAndSettingsAreKept";

/** A guard `if (condition)` that the switch takes away. */
function unguarded(file: string, condition: string, invariant: string): ContractMutant {
  return { file, find: `if (${condition})`, replace: `if (!ON && (${condition}))`, invariant };
}

/** A statement that the switch takes away. */
function without(file: string, statement: string, invariant: string): ContractMutant {
  return { file, find: statement, replace: `if (!ON) ${statement}`, invariant };
}

/** A role that the switch gives to everybody. */
function open(file: string, head: string, role: string, invariant: string): ContractMutant {
  const find = `${head} external onlyRole(${role}) {`;
  return { file, find, replace: `${head} external {\n        if (!ON) _checkRole(${role});`, invariant };
}

/** Faults in every rule that the invariants are about. */
export const CONTRACT_MUTANTS: readonly ContractMutant[] = [
  // Notes, tags, trades, terms
  {
    file: "Ledger.sol",
    find: "_spent[signals.nullifier] = 1;",
    replace: "if (!ON) _spent[signals.nullifier] = 1;",
    invariant: SPENT_ONCE,
  },
  without("Ledger.sol", "_spent[signals.keeperNullifier] = 1;", SPENT_ONCE),
  without("Ledger.sol", "_spent[signals.targetNullifier] = 1;", SPENT_ONCE),
  unguarded("Admission.sol", "_spent[nullifier] != 0", SPENT_ONCE),
  unguarded("Admission.sol", "isTagUsed[signals.accountTag]", SPENT_ONCE),
  unguarded("Admission.sol", "signals.targetNullifier == signals.keeperNullifier", SPENT_ONCE),
  unguarded("Ledger.sol", "first.signals.nullifier == second.signals.nullifier", SPENT_ONCE),
  unguarded("Ledger.sol", "tradeTag != 0", SPENT_ONCE),
  unguarded("Admission.sol", "block.timestamp > terms.deadline", SPENT_ONCE),
  unguarded("Admission.sol", "relayer != address(0) && relayer != msg.sender", SPENT_ONCE),
  unguarded("Admission.sol", "transition.terms.recipient == address(0)", SPENT_ONCE),
  unguarded("LiquidationAuction.sol", "ledger.isSpent(nullifier)", SPENT_ONCE),
  // Proofs and consent
  {
    file: "Admission.sol",
    find: "if (deposit.payer == msg.sender)",
    replace: "if (ON || deposit.payer == msg.sender)",
    invariant: PROVEN,
  },
  unguarded("Admission.sol", "!isKnownRoot[root]", PROVEN),
  {
    ...unguarded("Admission.sol", "outside", PROVEN),
    also: [
      "function _refusalOfSignals(uint256 at, uint256 end) private pure",
      "function _refusalOfSignals(uint256 at, uint256 end) private view",
    ],
  },
  {
    file: "ProofChecks.sol",
    find: "if (_isProofValid(start, end)) return;",
    replace: "if (ON || _isProofValid(start, end)) return;",
    invariant: PROVEN,
  },
  {
    file: "ProofChecks.sol",
    find: "if (!(items == 1 ?",
    replace: "if (!ON && !(items == 1 ?",
    invariant: PROVEN,
  },
  unguarded("LiquidationAuction.sol", "!verifier.verify(circuit, proof, inputs)", PROVEN),
  unguarded("Ledger.sol", "!verifier.verify(Circuit.Insertion, proof, inputs)", PROVEN),
  without("RecoveryClaims.sol", "claim.recovered = 0;", PROVEN),
  without("Custody.sol", "delete balanceOwed[asset][msg.sender];", PROVEN),
  // Custody
  unguarded("Custody.sol", "received != units", ACCOUNTED),
  without("Custody.sol", "totalOwed[asset] -= amount;", ACCOUNTED),
  without("Custody.sol", "totalOwed[asset] += amount;", ACCOUNTED),
  without("InsuranceFund.sol", "uncovered += uncoveredPart.toUint128();", ACCOUNTED),
  without("InsuranceFund.sol", "_lowerUncovered(Math.min(rest, uncovered));", ACCOUNTED),
  // Queue and roots
  {
    file: "CommitmentQueue.sol",
    find: "stateRoot = newRoot;",
    replace: "if (ON) isKnownRoot[stateRoot] = false;\n        stateRoot = newRoot;",
    invariant: GROW,
  },
  unguarded("CommitmentQueue.sol", "block.timestamp < sealableAt", GROW),
  unguarded("CommitmentQueue.sol", "accumulator != accumulatorOf[nodeIndex]", GROW),
  unguarded("CommitmentQueue.sol", "nodeIndex >= progress.tail / NODE_LEAVES", GROW),
  unguarded("CommitmentQueue.sol", "leafIndex != cursor.start", GROW),
  // The fund
  without("InsuranceFund.sol", "balance -= uint128(covered + reward);", FUND),
  without("InsuranceFund.sol", "rewardLeft -= reward;", FUND),
  unguarded("InsuranceFund.sol", "amount > above", FUND),
  {
    file: "InsuranceFund.sol",
    find: "balance += (amount - toDebt).toUint128();",
    replace: "balance += (ON ? amount : amount - toDebt).toUint128();",
    invariant: FUND,
  },
  without("RecoveryClaims.sol", "collectable -= amount;", FUND),
  // Lock and modes
  unguarded("SnapshotRules.sol", "block.timestamp < until", LOCK),
  {
    file: "SnapshotRules.sol",
    find: "market.whole = fund.uncovered() == 0 ?",
    replace: "market.whole = ON || fund.uncovered() == 0 ?",
    invariant: LOCK,
  },
  {
    file: "InsuranceFund.sol",
    find: "if (impairedSince != 0 || !_exceedsHoldings()) return;",
    replace: "if ((impairedSince != 0 && !ON) || !_exceedsHoldings()) return;",
    invariant: LOCK,
  },
  unguarded("InsuranceFund.sol", "uncovered == 0 && impairedSince != 0", LOCK),
  unguarded("SnapshotRules.sol", "mode == MODE_NORMAL && _isRestricted(market)", LOCK),
  unguarded("SnapshotRules.sol", "mode > MODE_WIND_DOWN", LOCK),
  // Snapshots, flags, registry
  unguarded("SnapshotRules.sol", "block.timestamp > staleSince", EPOCH),
  unguarded("SnapshotRules.sol", "block.timestamp < opensAt", EPOCH),
  unguarded("SnapshotRules.sol", "last != 0", EPOCH),
  unguarded("SnapshotRules.sol", "windDownEpoch != 0", EPOCH),
  {
    file: "SnapshotRules.sol",
    find: "block.timestamp > newest.postedAt + PREVIOUS_GRACE ||",
    replace: "(!ON && block.timestamp > newest.postedAt + PREVIOUS_GRACE) ||",
    invariant: EPOCH,
  },
  {
    file: "SnapshotRules.sol",
    find: "signals.withdrawal != 0 ||\n",
    replace: "(!ON && signals.withdrawal != 0) ||\n",
    invariant: EPOCH,
  },
  {
    file: "SnapshotRules.sol",
    find: "!newest.steady ||",
    replace: "(!ON && !newest.steady) ||",
    invariant: EPOCH,
  },
  {
    file: "SnapshotRules.sol",
    find: "auction.isFlagged(signals.nullifier)",
    replace: "(!ON && auction.isFlagged(signals.nullifier))",
    invariant: EPOCH,
  },
  unguarded("SnapshotRules.sol", "!accepted", EPOCH),
  unguarded("LiquidationAuction.sol", "found.epoch == 0 || found.epoch != newest.epoch", EPOCH),
  unguarded("LiquidationAuction.sol", "epoch <= flagged.firstEpoch", EPOCH),
  unguarded("LiquidationAuction.sol", "rate > permitted", EPOCH),
  unguarded("LiquidationAuction.sol", "signals.ratio < ONE", EPOCH),
  unguarded("Admission.sol", "!registry.acceptsRoot(root)", EPOCH),
  unguarded("ComplianceRegistry.sol", "root == current ? !removal : wasPosted[root]", EPOCH),
  unguarded("RiskOracle.sol", "header.epoch != newest.epoch + 1", EPOCH),
  unguarded("RiskOracle.sol", "header.time > block.timestamp + MAX_AHEAD", EPOCH),
  unguarded("RiskOracle.sol", "block.timestamp > header.time + MAX_DELAY", EPOCH),
  unguarded("RiskOracle.sol", "usedIn != 0", EPOCH),
  unguarded("RiskOracle.sol", "currencyOf[signer] == 0", EPOCH),
  unguarded("RiskOracle.sol", "inputsHash != header.inputsHash", EPOCH),
  unguarded("RiskOracle.sol", "pricesHash != header.pricesHash", EPOCH),
  // Roles and settings
  open("SnapshotRules.sol", "function setEmergency(bool declared)", "GUARDIAN_ROLE", ROLES),
  open("InsuranceFund.sol", "function setFloor(uint256 newFloor)", "PARAMETER_ROLE", ROLES),
  open(
    "ComplianceRegistry.sol",
    "function postRoot(uint256 replaced, uint256 root, bool removal)",
    "OFFICER_ROLE",
    ROLES,
  ),
  unguarded("LedgerBound.sol", "msg.sender != address(ledger)", ROLES),
  unguarded("Custody.sol", "msg.sender != address(this)", ROLES),
  unguarded("Custody.sol", "isListed[token] || address(assetOf[asset].token) != address(0)", ROLES),
  {
    file: "Ledger.sol",
    find: "function submit(Transition calldata transition) external nonReentrant {",
    replace: `function submit(Transition calldata transition) external {
        if (ON) _submit(transition);
        else _submitAlone(transition);
    }

    function _submitAlone(Transition calldata transition) private nonReentrant {
        _submit(transition);
    }

    function _submit(Transition calldata transition) private {`,
    invariant: ROLES,
  },
];
