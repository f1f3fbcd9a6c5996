// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { Opening, OpenSignals, TakeOver, Terms, Tier, Transition } from "../../../contracts/Statements.sol";
import { ILedgerState } from "../../../contracts/interfaces/ILedgerState.sol";
import { IInsuranceFund } from "../../../contracts/interfaces/IInsuranceFund.sol";
import { ILiquidationAuction } from "../../../contracts/interfaces/ILiquidationAuction.sol";
import { IProofVerifier } from "../../../contracts/interfaces/IProofVerifier.sol";
import { IRiskOracle } from "../../../contracts/interfaces/IRiskOracle.sol";

// What the invariants call, without the contracts' code, which would be compiled once more.

struct Configuration {
    address admin;
    IProofVerifier verifier;
    IRiskOracle oracle;
    address registry;
    ILiquidationAuction auction;
    IInsuranceFund fund;
    IERC20 cash;
    uint256[2] committeeKey;
}

struct Deposit {
    uint256 asset;
    uint256 amount;
    address payer;
    bytes32 digest;
    bytes signature;
}

struct Reporter {
    address account;
    bytes32 currency;
}

struct SnapshotHeader {
    uint64 epoch;
    uint64 time;
    uint256 snapshotRoot;
    bytes32 pricesHash;
    bytes32 inputsHash;
    bool steady;
}

struct Observation {
    uint64[] prices;
    uint64[] tradedAt;
    bytes32 restHash;
    bytes signature;
}

struct InsolvencySignals {
    uint256 stateRoot;
    uint256 snapshotRoot;
    uint256 nullifier;
    uint256 leafIndex;
}

struct SolvencySignals {
    uint256 stateRoot;
    uint256 snapshotRoot;
    uint256 nullifier;
    uint256 leafIndex;
    uint256 ratio;
    uint256 excess;
    uint256 entity;
}

interface Roles {
    function grantRole(bytes32 role, address account) external;
    function revokeRole(bytes32 role, address account) external;
    function renounceRole(bytes32 role, address account) external;
    function hasRole(bytes32 role, address account) external view returns (bool);
}

interface LedgerCalls is ILedgerState, Roles {
    event Opened(
        uint256 indexed commitment,
        uint256 indexed accountTag,
        uint256 leafIndex,
        uint256[5] escrow
    );
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

    function open(uint256[8] calldata proof, OpenSignals calldata signals, Terms calldata terms) external;
    function submit(Transition calldata transition) external;
    function submitTrade(Transition calldata first, Transition calldata second) external;
    function takeOver(TakeOver calldata item) external;
    function submitBatch(
        Opening[] calldata openings,
        Transition[] calldata transitions,
        TakeOver[] calldata takeOvers
    ) external;
    function insert(
        uint256 nodeIndex,
        uint256[16] calldata leaves,
        uint256 newRoot,
        uint256[8] calldata proof
    ) external;
    function seal() external;
    function collect(uint256 asset) external;
    function takeDeposits(Deposit[] calldata deposits) external;
    function listAsset(uint256 asset, IERC20 token, uint96 unit) external;
    function setEmergency(bool declared) external;

    function LISTER_ROLE() external view returns (bytes32);
    function GUARDIAN_ROLE() external view returns (bytes32);
    function DEPOSIT_GAS() external view returns (uint256);
    function stateRoot() external view returns (uint256);
    function domainSeparator() external view returns (bytes32);
    function emergency() external view returns (bool);
    function totalOwed(uint256 asset) external view returns (uint256);
    function balanceOwed(uint256 asset, address account) external view returns (uint256);
    function queue() external view returns (uint256 tail, uint256 openedAt, uint256 inserted);
    function accumulatorOf(uint256 nodeIndex) external view returns (bytes32);
}

interface FundCalls is IInsuranceFund, Roles {
    event Deposited(address indexed from, uint256 amount, uint256 toDeficit, uint256 toClaims);
    event TakeOverPaid(uint256 indexed epoch, uint256 covered, uint256 uncoveredPart, uint256 reward);
    event Impaired(uint256 uncovered, uint256 holdings, uint256 lockedUntil);
    event ImpairmentEnded();
    event ClaimAdded(address indexed account, uint256 amount);

    function bind(ILedgerState ledger) external;
    function deposit(uint256 amount) external;
    function collectRecovery() external;
    function recordImpairment() external;
    function setFloor(uint256 floor) external;
    function release(address to, uint256 amount) external;

    function PARAMETER_ROLE() external view returns (bytes32);
    function ledger() external view returns (ILedgerState);
    function balance() external view returns (uint128);
    function floor() external view returns (uint128);
    function impairedSince() external view returns (uint64);
    function totalClaims() external view returns (uint256);
    function collectable() external view returns (uint256);
    function claimOf(address account) external view returns (uint256);
    function collectableBy(address account) external view returns (uint256);
}

interface AuctionCalls is ILiquidationAuction {
    function bind(ILedgerState ledger) external;
    function flag(Tier tier, uint256[8] calldata proof, InsolvencySignals calldata signals) external;
    function clear(Tier tier, uint256[8] calldata proof, SolvencySignals calldata signals) external;
    function reveal(
        Tier tier,
        uint256[8] calldata proof,
        InsolvencySignals calldata signals,
        uint256[24] calldata words
    ) external;

    function ledger() external view returns (ILedgerState);
    function clearContext() external view returns (uint256);
    function disclosurePoint(
        InsolvencySignals calldata signals,
        uint256[24] calldata words
    ) external view returns (uint256);
}

interface RegistryCalls is Roles {
    function postRoot(uint256 replaced, uint256 root, bool removal) external;
    function OFFICER_ROLE() external view returns (bytes32);
    function currentRoot() external view returns (uint256);
}

interface OracleCalls is IRiskOracle {
    function post(
        SnapshotHeader calldata header,
        bytes calldata inputs,
        uint64[] calldata keys,
        Observation[] calldata observations,
        bytes[] calldata signatures
    ) external;
    function announceReporters(Reporter[] calldata next) external;
    function removeReporter(address reporter) external;
    function cancelAnnouncement() external;

    function reporters() external view returns (Reporter[] memory);
    function quorum() external view returns (uint256);
    function rootOf(uint256 epoch) external view returns (uint256);
    function epochOf(uint256 root) external view returns (uint64);
    function headerDigest(SnapshotHeader calldata header) external view returns (bytes32);
    function observationDigest(
        uint64 epoch,
        uint64 time,
        uint64[] calldata keys,
        Observation calldata observation
    ) external view returns (bytes32);
}
