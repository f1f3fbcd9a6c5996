// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { FIELD_ORDER } from "../../../contracts/Field.sol";
import { OpenSignals, TakeOverSignals, Terms, TransitionSignals } from "../../../contracts/Statements.sol";
import { ILedgerState } from "../../../contracts/interfaces/ILedgerState.sol";
import { Circuit } from "../../../contracts/interfaces/IProofVerifier.sol";
import { BlockingToken } from "../../../contracts/test/BlockingToken.sol";
import { IdealVerifier } from "../../../contracts/test/IdealVerifier.sol";
import { TestToken } from "../../../contracts/test/TestToken.sol";
import { cheats } from "../Cheats.sol";
import {
    AuctionCalls,
    Configuration,
    FundCalls,
    LedgerCalls,
    OracleCalls,
    RegistryCalls,
    Reporter
} from "./Interfaces.sol";
import { MoodyToken } from "./MoodyToken.sol";

/// @title A deployed Solvus with an ideal verifier
/// @notice Everything as it is deployed, administered by this contract; five actors with keys; and proofs, which are whatever was declared
/// proven to the verifier.
abstract contract ProvenWorld {
    uint256 internal constant CASH = 0;
    uint256 internal constant SPOT = 1;
    uint256 internal constant MOODY = 2;
    uint256 internal constant ASSETS = 3;
    uint256 internal constant ACTORS = 5;

    /// @dev Token units in a lot of spot.
    uint96 internal constant LOT = 1000;

    /// @dev circomlib's Base8, the committee's key.
    uint256 private constant KEY_X =
        5299619240641551281634865583518297030282874472190772894086521144482721001553;
    uint256 private constant KEY_Y =
        16950150798460657717958625567821834550301663161624707787222815936182638968203;

    uint256 internal constant REPORTER_KEY = 0xfeed;

    BlockingToken public cash = new BlockingToken();
    TestToken public spot = new TestToken("Ether", "ETH", 18);
    MoodyToken public moody = new MoodyToken();
    IdealVerifier public verifier = new IdealVerifier();

    OracleCalls public oracle;
    RegistryCalls public registry;
    AuctionCalls public auction;
    FundCalls public fund;
    LedgerCalls public ledger;

    address[] public actors;

    /// @dev Counts what must be unique: leaves, nullifiers, roots.
    uint256 private _made;

    constructor() {
        Reporter[] memory reporters = new Reporter[](1);
        reporters[0] = Reporter(cheats.addr(REPORTER_KEY), "USD");
        oracle = OracleCalls(_deploy("RiskOracle", abi.encode(address(this), reporters)));
        registry = RegistryCalls(_deploy("ComplianceRegistry", abi.encode(address(this), false)));
        auction = AuctionCalls(_deploy("LiquidationAuction", ""));
        fund = FundCalls(_deploy("InsuranceFund", abi.encode(address(this), cash, 0)));
        ledger = LedgerCalls(
            _deploy(
                "Ledger",
                abi.encode(
                    Configuration(
                        address(this),
                        verifier,
                        oracle,
                        address(registry),
                        auction,
                        fund,
                        cash,
                        [KEY_X, KEY_Y]
                    )
                )
            )
        );
        auction.bind(ILedgerState(address(ledger)));
        fund.bind(ILedgerState(address(ledger)));
        ledger.grantRole(ledger.LISTER_ROLE(), address(this));
        ledger.grantRole(ledger.GUARDIAN_ROLE(), address(this));
        ledger.listAsset(SPOT, spot, LOT);
        ledger.listAsset(MOODY, moody, 1);
        for (uint256 i; i < ACTORS; ++i) {
            address actor = cheats.addr(_keyOf(i));
            actors.push(actor);
            for (uint256 asset; asset < ASSETS; ++asset) _allow(actor, tokenOf(asset));
        }
    }

    /// @notice Token of a listed asset.
    function tokenOf(uint256 asset) public view returns (IERC20) {
        return
            asset == CASH
                ? IERC20(cash)
                : asset == SPOT
                    ? IERC20(spot)
                    : IERC20(moody);
    }

    /// @notice Token units in a unit of an asset.
    function unitOf(uint256 asset) public pure returns (uint256) {
        return asset == SPOT ? LOT : 1;
    }

    function _keyOf(uint256 actor) internal pure returns (uint256) {
        return 0xac00 + actor;
    }

    /// @dev A field element that was never used before.
    function _unique() internal returns (uint256) {
        return uint256(keccak256(abi.encode("unique", ++_made))) >> 8;
    }

    /// @dev Any eight words: the verifier binds them to what is declared.
    function _anyProof() internal returns (uint256[8] memory proof) {
        proof[0] = _unique();
    }

    function _proveOpening(
        OpenSignals memory signals,
        Terms memory terms
    ) internal returns (uint256[8] memory proof) {
        proof = _anyProof();
        bytes memory words = abi.encode(signals, KEY_X, KEY_Y, _context(terms));
        verifier.prove(Circuit.Open, proof, _words(words));
    }

    function _proveTransition(
        TransitionSignals memory signals,
        Terms memory terms
    ) internal returns (uint256[8] memory proof) {
        proof = _anyProof();
        verifier.prove(Circuit.TransitionSmall, proof, _words(abi.encode(signals, _context(terms))));
    }

    function _proveTakeOver(
        TakeOverSignals memory signals,
        Terms memory terms
    ) internal returns (uint256[8] memory proof) {
        proof = _anyProof();
        uint256[] memory given = _words(abi.encode(signals));
        uint256[] memory inputs = new uint256[](25);
        for (uint256 i; i < 23; ++i) inputs[i < 9 ? i : i + 1] = given[i];
        inputs[9] = auction.restoration();
        inputs[24] = _context(terms);
        verifier.prove(Circuit.LiquidationSmall, proof, inputs);
    }

    function _proveInsertion(
        uint256 oldRoot,
        uint256 newRoot,
        uint256 nodeIndex,
        uint256[16] memory leaves
    ) internal returns (uint256[8] memory proof) {
        proof = _anyProof();
        uint256[] memory inputs = new uint256[](5);
        inputs[0] = oldRoot;
        inputs[1] = newRoot;
        inputs[2] = nodeIndex;
        inputs[3] = uint256(keccak256(abi.encode(oldRoot, newRoot, nodeIndex, leaves))) % FIELD_ORDER;
        uint256 value;
        for (uint256 i = 16; i != 0; --i) {
            value = mulmod(addmod(value, leaves[i - 1], FIELD_ORDER), inputs[3], FIELD_ORDER);
        }
        inputs[4] = value;
        verifier.prove(Circuit.Insertion, proof, inputs);
    }

    /// @dev The bytes of a 65-byte signature.
    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = cheats.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _context(Terms memory terms) internal view returns (uint256) {
        return
            uint256(
                keccak256(
                    abi.encode(
                        block.chainid,
                        address(ledger),
                        terms.payer,
                        terms.recipient,
                        terms.relayer,
                        terms.deadline
                    )
                )
            ) % FIELD_ORDER;
    }

    function _words(bytes memory encoded) internal pure returns (uint256[] memory words) {
        words = new uint256[](encoded.length / 32);
        for (uint256 i; i < words.length; ++i) {
            uint256 word;
            assembly ("memory-safe") {
                word := mload(add(encoded, mul(add(i, 1), 0x20)))
            }
            words[i] = word;
        }
    }

    function _allow(address actor, IERC20 token) private {
        cheats.prank(actor);
        token.approve(address(ledger), type(uint256).max);
        cheats.prank(actor);
        token.approve(address(fund), type(uint256).max);
    }

    /// @dev Deploys what the project's own build made of a contract.
    function _deploy(string memory name, bytes memory parameters) private returns (address deployed) {
        string memory artifact = string.concat("contracts/", name, ".sol:", name);
        bytes memory code = bytes.concat(cheats.getCode(artifact), parameters);
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        require(deployed != address(0), name);
    }
}
