// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import { BabyJubjub } from "./BabyJubjub.sol";
import { CommitmentQueue } from "./CommitmentQueue.sol";
import { Custody } from "./Custody.sol";
import { FIELD_ORDER } from "./Field.sol";
import { SnapshotRules } from "./SnapshotRules.sol";
import { OpenSignals, Statements, Terms, Tier, Transition, TransitionSignals } from "./Statements.sol";
import { IComplianceRegistry } from "./interfaces/IComplianceRegistry.sol";
import { Circuit, IProofVerifier } from "./interfaces/IProofVerifier.sol";
import { IRiskOracle } from "./interfaces/IRiskOracle.sol";

/// @title Ledger
/// @notice Holds the tokens of private accounts and accepts a change of an account only with a proof that it follows the margin rules.
/// Accounts are commitments in a state tree; spending one publishes its nullifier and queues its successor.
contract Ledger is Custody, SnapshotRules, CommitmentQueue, EIP712, ReentrancyGuardTransient {
    /// @dev Everything that is fixed when a ledger is deployed.
    struct Configuration {
        address admin;
        IProofVerifier verifier;
        IRiskOracle oracle;
        IComplianceRegistry registry;
        IERC20Metadata cash;
        uint256[2] committeeKey;
    }

    /// @notice Highest fee of a transition, in micro-USDC: the fee leaves an account before every check of the margin rules.
    uint256 public constant FEE_CAP = 5_000_000;

    /// @notice What the payer of a deposit signs (EIP-712), unless the payer sends the transition.
    bytes32 public constant DEPOSIT_TYPEHASH = keccak256(
        "Deposit(uint256 nullifier,uint256 commitment,uint256 asset,uint256 amount,uint64 deadline)"
    );

    /// @notice Verifies the proofs.
    IProofVerifier public immutable verifier;

    /// @notice Says which roots of admitted entities are accepted.
    IComplianceRegistry public immutable registry;

    /// @dev The risk committee's Baby Jubjub key, to which every account is escrowed.
    uint256 private immutable _committeeKeyX;
    uint256 private immutable _committeeKeyY;

    /// @notice Whether a note was spent.
    mapping(uint256 nullifier => bool) public isSpent;

    /// @notice Whether an account tag was used.
    mapping(uint256 accountTag => bool) public isTagUsed;

    /// @notice An account was opened.
    /// @param leafIndex Place of the commitment; the account tag is the leaf queued next.
    /// @param escrow Ephemeral key and the opening's ciphertext for the risk committee.
    event Opened(
        uint256 indexed commitment,
        uint256 indexed accountTag,
        uint256 leafIndex,
        uint256[5] escrow
    );

    /// @notice An account changed: the note of `nullifier` is spent, `commitment` at `leafIndex` is its successor.
    event Transitioned(
        uint256 indexed nullifier,
        uint256 indexed commitment,
        uint256 leafIndex,
        uint256 snapshotRoot,
        uint256 mode,
        uint256 asset,
        uint256 deposit,
        uint256 withdrawal,
        uint256 fee,
        uint256 tradeTag,
        uint256[2] escrow
    );

    /// @notice A keeper took over a slice of an undermargined account: both notes are spent.
    /// @param leafIndex Place of the target's new note; the keeper's is the leaf queued next.
    /// @param rate Auction rate, Q16.
    /// @param deficit Negative equity credited to the target, in micro-USDC.
    /// @param reward What the fund paid to the keeper beside it.
    /// @param uncovered Part of the deficit that the fund could not pay.
    /// @param cured Whether the target meets its maintenance margin again.
    /// @param targetEscrow What changed in the target's note, for whoever knows its rho; `keeperEscrow` likewise.
    event TakenOver(
        uint256 indexed targetNullifier,
        uint256 indexed keeperNullifier,
        uint256 targetLeafIndex,
        uint256 targetCommitment,
        uint256 keeperCommitment,
        uint256 leafIndex,
        uint256 snapshotRoot,
        uint256 rate,
        uint256 deficit,
        uint256 reward,
        uint256 uncovered,
        bool cured,
        uint256 fee,
        uint256[4] targetEscrow,
        uint256[6] keeperEscrow
    );

    /// @notice An item of a batch was left out; nothing of it was applied.
    /// @param kind 0 an opening, 1 a transition, 2 a take-over.
    /// @param index Its place among the items of its kind.
    /// @param reason The encoded error that it would have reverted with alone.
    event Skipped(uint8 kind, uint256 index, bytes reason);

    /// @notice A public signal is not a field element, so that it would have a second representation.
    /// @dev Cure: reduce it modulo r; `index` counts the statement's public signals from 0.
    error SignalNotInField(uint256 index, uint256 value);

    /// @notice The proof does not show the statement for these public signals on this ledger.
    /// @dev Cure: prove for exactly these signals, terms, chain and ledger, with the key whose hash is `keyHash(circuit)`.
    error ProofRejected(Circuit circuit);

    /// @notice The terms' deadline has passed.
    /// @dev Cure: prove again with a later deadline.
    error DeadlinePassed(uint64 deadline);

    /// @notice The terms name another relayer.
    /// @dev Cure: let `relayer` submit, or prove again for relayer 0 (anybody).
    error NotTheRelayer(address relayer, address sender);

    /// @notice The fee is above the cap.
    /// @dev Cure: prove again with a fee of at most FEE_CAP micro-USDC.
    error FeeAboveCap(uint256 fee, uint256 cap);

    /// @notice The state root was never a root of this ledger's tree.
    /// @dev Cure: rebuild the tree from this ledger's Queued, Sealed and Inserted events and prove on its root.
    error UnknownStateRoot(uint256 stateRoot);

    /// @notice The registry root is not accepted now.
    /// @dev Cure: prove with the registry's current root; 0 is accepted by an open registry only.
    error RegistryRootRefused(uint256 registryRoot);

    /// @notice The note is spent.
    /// @dev Cure: follow the account from chain events to its present note and prove for that one.
    error NullifierSpent(uint256 nullifier);

    /// @notice The account tag is used: the entity has opened an account with this number.
    /// @dev Cure: open with the next account number.
    error AccountTagUsed(uint256 accountTag);

    /// @notice The payer of a deposit neither sent the transition nor signed this deposit.
    /// @dev Cure: send from the payer, or attach the payer's EIP-712 `Deposit` signature (ERC-1271 for contracts).
    error PayerNotAuthorized(address payer);

    /// @notice A withdrawal names no recipient.
    /// @dev Cure: prove again with the recipient's address in the terms.
    error RecipientMissing();

    /// @notice The transition is one side of a trade.
    /// @dev Cure: submit it together with its partner through `submitTrade`.
    error PartnerMissing(uint256 tradeTag);

    /// @notice A transition without a trade was given as a side of one.
    /// @dev Cure: use `submit`.
    error NotATrade();

    /// @notice The two sides are of different trades.
    /// @dev Cure: pair the two transitions that were proven for the same package and salt.
    error TradeTagsDiffer(uint256 firstTag, uint256 secondTag);

    /// @notice The two transitions are the same side of the trade, or a side is not 0 or 1.
    /// @dev Cure: one owner proves side 0 and the other side 1.
    error SidesNotOpposite(uint256 firstSide, uint256 secondSide);

    /// @notice The two sides are proven on different snapshots.
    /// @dev Cure: prove both on the latest snapshot.
    error SnapshotsDiffer(uint256 firstRoot, uint256 secondRoot);

    /// @param configuration The contracts it relies on, its cash token (6 decimals), the risk committee's key, the first administrator.
    constructor(
        Configuration memory configuration
    ) Custody(configuration.cash) SnapshotRules(configuration.oracle) EIP712("Solvus Ledger", "1") {
        uint256[2] memory key = configuration.committeeKey;
        BabyJubjub.requirePublicKey(key[0], key[1]);
        _committeeKeyX = key[0];
        _committeeKeyY = key[1];
        verifier = configuration.verifier;
        registry = configuration.registry;
        _grantRole(DEFAULT_ADMIN_ROLE, configuration.admin);
    }

    /// @notice Opens an empty account.
    /// @param proof Proof of `open`.
    /// @param signals Its public signals, without committee key and context.
    /// @param terms Relayer and deadline; payer and recipient are 0 in the proof's context.
    function open(
        uint256[8] calldata proof,
        OpenSignals calldata signals,
        Terms calldata terms
    ) external nonReentrant {
        _requireTerms(terms);
        if (!isKnownRoot[signals.stateRoot]) revert UnknownStateRoot(signals.stateRoot);
        _requireRegistryRoot(signals.registryRoot);
        _requireEpoch(signals.epoch);
        if (isTagUsed[signals.accountTag]) revert AccountTagUsed(signals.accountTag);
        isTagUsed[signals.accountTag] = true;
        _requireProof(
            Circuit.Open,
            proof,
            Statements.openInputs(signals, _committeeKeyX, _committeeKeyY, terms)
        );
        uint256 leafIndex = _enqueue(signals.commitment);
        _enqueue(signals.accountTag);
        emit Opened(signals.commitment, signals.accountTag, leafIndex, signals.escrow);
    }

    /// @notice Changes one account: deposit, withdrawal, settlement, exit, wind-down; everything but a trade.
    /// @param transition The proven transition.
    function submit(Transition calldata transition) external nonReentrant {
        uint256 tradeTag = transition.signals.tradeTag;
        if (tradeTag != 0) revert PartnerMissing(tradeTag);
        _accept(transition);
        _settle(transition);
    }

    /// @notice Changes the accounts of the two parties of a trade, together or not at all.
    /// @param first One side.
    /// @param second The other side, on the same snapshot.
    function submitTrade(Transition calldata first, Transition calldata second) external nonReentrant {
        TransitionSignals calldata one = first.signals;
        TransitionSignals calldata other = second.signals;
        if (one.tradeTag == 0 || other.tradeTag == 0) revert NotATrade();
        if (one.tradeTag != other.tradeTag) revert TradeTagsDiffer(one.tradeTag, other.tradeTag);
        if (one.side > 1 || other.side > 1 || one.side == other.side) {
            revert SidesNotOpposite(one.side, other.side);
        }
        if (one.snapshotRoot != other.snapshotRoot) {
            revert SnapshotsDiffer(one.snapshotRoot, other.snapshotRoot);
        }
        _accept(first);
        _accept(second);
        _settle(first);
        _settle(second);
    }

    /// @notice Writes the next closed node of the queue into the state tree. Anybody may call.
    /// @param nodeIndex Index of the node.
    /// @param leaves Its sixteen leaves, zeros after the last of a sealed node.
    /// @param newRoot Root of the tree with the node.
    /// @param proof Proof of `insertion` from the present root to `newRoot`.
    function insert(
        uint256 nodeIndex,
        uint256[16] calldata leaves,
        uint256 newRoot,
        uint256[8] calldata proof
    ) external nonReentrant {
        _requireNode(nodeIndex, leaves);
        _requireProof(
            Circuit.Insertion,
            proof,
            Statements.insertionInputs(stateRoot, newRoot, nodeIndex, leaves)
        );
        _recordRoot(nodeIndex, newRoot);
    }

    /// @notice Keccak-256 of the verifying key that a circuit's proofs are checked with.
    /// @param circuit Circuit instance.
    function keyHash(Circuit circuit) external view returns (bytes32) {
        return verifier.keyHash(circuit);
    }

    /// @notice The risk committee's Baby Jubjub key.
    function committeeKey() external view returns (uint256 x, uint256 y) {
        return (_committeeKeyX, _committeeKeyY);
    }

    /// @notice Separator of this ledger's EIP-712 domain: name "Solvus Ledger", version "1".
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @dev Checks a transition and makes every change except the token transfers.
    function _accept(Transition calldata transition) private {
        TransitionSignals calldata signals = transition.signals;
        Terms calldata terms = transition.terms;
        _requireTerms(terms);
        if (signals.fee > FEE_CAP) revert FeeAboveCap(signals.fee, FEE_CAP);
        if (signals.withdrawal != 0 && terms.recipient == address(0)) revert RecipientMissing();
        if (!isKnownRoot[signals.stateRoot]) revert UnknownStateRoot(signals.stateRoot);
        _requireSnapshot(signals);
        // Without a deposit or a trade the statement asks for no membership: whoever leaves does not wait for the registry.
        if (signals.deposit != 0 || signals.tradeTag != 0) _requireRegistryRoot(signals.registryRoot);
        if (isSpent[signals.nullifier]) revert NullifierSpent(signals.nullifier);
        isSpent[signals.nullifier] = true;
        if (signals.deposit != 0) _requirePayer(transition);
        _requireProof(
            transition.tier == Tier.Small ? Circuit.TransitionSmall : Circuit.TransitionLarge,
            transition.proof,
            Statements.transitionInputs(signals, terms)
        );
        uint256 leafIndex = _enqueue(signals.commitment);
        emit Transitioned(
            signals.nullifier,
            signals.commitment,
            leafIndex,
            signals.snapshotRoot,
            signals.mode,
            signals.asset,
            signals.deposit,
            signals.withdrawal,
            signals.fee,
            signals.tradeTag,
            signals.escrow
        );
    }

    /// @dev Moves the tokens of an accepted transition.
    function _settle(Transition calldata transition) private {
        TransitionSignals calldata signals = transition.signals;
        Terms calldata terms = transition.terms;
        if (signals.deposit != 0) _pull(signals.asset, terms.payer, signals.deposit);
        if (signals.withdrawal != 0) _push(signals.asset, terms.recipient, signals.withdrawal);
        if (signals.fee != 0) {
            _push(CASH, terms.relayer == address(0) ? msg.sender : terms.relayer, signals.fee);
        }
    }

    function _requireTerms(Terms calldata terms) private view {
        if (block.timestamp > terms.deadline) revert DeadlinePassed(terms.deadline);
        if (terms.relayer != address(0) && terms.relayer != msg.sender) {
            revert NotTheRelayer(terms.relayer, msg.sender);
        }
    }

    function _requireRegistryRoot(uint256 registryRoot) private view {
        if (!registry.acceptsRoot(registryRoot)) revert RegistryRootRefused(registryRoot);
    }

    /// @dev An allowance to the ledger alone must not let anybody spend it: the payer sends, or has signed for this very note.
    function _requirePayer(Transition calldata transition) private view {
        address payer = transition.terms.payer;
        if (payer == msg.sender) return;
        TransitionSignals calldata signals = transition.signals;
        bytes32 digest = _hashTypedDataV4(
            keccak256(
                abi.encode(
                    DEPOSIT_TYPEHASH,
                    signals.nullifier,
                    signals.commitment,
                    signals.asset,
                    signals.deposit,
                    transition.terms.deadline
                )
            )
        );
        if (!SignatureChecker.isValidSignatureNowCalldata(payer, digest, transition.payerSignature)) {
            revert PayerNotAuthorized(payer);
        }
    }

    function _requireProof(Circuit circuit, uint256[8] calldata proof, uint256[] memory inputs) private view {
        for (uint256 i; i < inputs.length; ++i) {
            if (inputs[i] >= FIELD_ORDER) revert SignalNotInField(i, inputs[i]);
        }
        if (!verifier.verify(circuit, proof, inputs)) revert ProofRejected(circuit);
    }
}
