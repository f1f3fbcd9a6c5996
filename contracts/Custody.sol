// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { AccessControl } from "@openzeppelin/contracts/access/AccessControl.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { SlotDerivation } from "@openzeppelin/contracts/utils/SlotDerivation.sol";
import { TransientSlot } from "@openzeppelin/contracts/utils/TransientSlot.sol";
import { SignatureChecker } from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import { Refusal } from "./Refusal.sol";

/// @title Custody
/// @notice Holds the ERC-20 tokens behind the accounts. Asset 0 is cash, in micro-USDC; any other asset is a spot instrument's id, in lots.
/// @dev A listing is final: an account's claim on lots must mean the same number of tokens for ever. A deposit that fails is undone as a
/// whole; a payout that fails is owed, and its recipient pulls it: nobody's token or wallet stands in the way of others.
abstract contract Custody is AccessControl, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SlotDerivation for bytes32;
    using TransientSlot for bytes32;
    using TransientSlot for TransientSlot.Uint256Slot;

    /// @dev One slot: the token, and how many of its smallest units one unit of the asset is (one lot; one micro-USDC for cash).
    struct Asset {
        IERC20 token;
        uint96 unit;
    }

    /// @dev A deposit to be taken. `digest` is what the payer must have signed; 0 if the payer himself sends.
    struct Deposit {
        uint256 asset;
        uint256 amount;
        address payer;
        bytes32 digest;
        bytes signature;
    }

    /// @notice Asset id of cash.
    uint256 public constant CASH = 0;

    /// @notice May list spot assets.
    bytes32 public constant LISTER_ROLE = keccak256("LISTER_ROLE");

    /// @notice Gas for taking the deposits of a transition or a trade, the payer's ERC-1271 signature included: whose wallet or token burns
    /// more has its deposit refused and sinks no batch.
    uint256 public constant DEPOSIT_GAS = 500_000;

    /// @notice Gas for the transfer of a payout or of a call's fees: what a token does not pay with that is owed, and sinks no batch. The whole
    /// of a transaction that transfers USDC, behind its proxy and to a new holder, takes about a fifth of it; sixteen payouts and the fees may
    /// together burn a sixth of a block of 30 million.
    uint256 public constant PAYOUT_GAS = 300_000;

    /// @notice Gas for asking a token for the ledger's balance before a payout: where it does not answer with that the withdrawal is refused,
    /// and sinks no batch.
    uint256 public constant BALANCE_GAS = 100_000;

    /// @dev Instrument ids have 32 bits; amounts of any asset stay below 2^60.
    uint256 private constant ID_BOUND = 2 ** 32;
    uint256 private constant AMOUNT_BOUND = 2 ** 60;

    /// @dev Longest error of a failed deposit that is passed on, in bytes.
    uint256 private constant LONGEST_REASON = 260;

    /// @dev Transient: by asset, units of its token promised in this call and not paid yet.
    bytes32 private constant PROMISED = keccak256("solvus.custody.promised");

    /// @notice Token and unit of an asset; a zero token means that it is not listed.
    mapping(uint256 asset => Asset) public assetOf;

    /// @notice Whether a token already backs an asset.
    mapping(IERC20 token => bool) public isListed;

    /// @notice What an account may collect of an asset: payouts that its token refused.
    mapping(uint256 asset => mapping(address account => uint256)) public balanceOwed;

    /// @notice Sum of all balances owed of an asset.
    mapping(uint256 asset => uint256) public totalOwed;

    /// @notice An asset was listed, for ever: one unit of it is `unit` smallest units of `token`.
    event AssetListed(uint256 indexed asset, IERC20 indexed token, uint96 unit);

    /// @notice A payout failed and is owed to its recipient.
    event Owed(uint256 indexed asset, address indexed account, uint256 amount);

    /// @notice An account was paid what was owed to it.
    event Collected(uint256 indexed asset, address indexed account, uint256 amount);

    /// @notice The cash token does not count in millionths.
    /// @dev Cure: deploy the ledger with a token of 6 decimals.
    error CashDecimals(uint8 decimals);

    /// @notice The asset id is not a 32-bit instrument id other than 0.
    /// @dev Cure: list the spot instrument under its own id; cash is listed by the constructor.
    error InvalidAsset(uint256 asset);

    /// @notice The unit is 0, or the token has no code.
    /// @dev Cure: give the token's address and how many of its smallest units one lot is.
    error InvalidListing(IERC20 token, uint96 unit);

    /// @notice The asset or the token is listed already; listings never change.
    /// @dev Cure: give a new instrument a new id and a token of its own.
    error AlreadyListed(uint256 asset, IERC20 token);

    /// @notice The asset is not listed.
    /// @dev Cure: deposit or withdraw cash (0) or a spot instrument with an AssetListed event.
    error AssetNotListed(uint256 asset);

    /// @notice The amount is not below 2^60 units.
    /// @dev Cure: split the amount.
    error AmountTooLarge(uint256 amount);

    /// @notice The ledger received another number of token units than the deposit says.
    /// @dev Cure: none for a token that takes a fee on transfers or changes balances; it cannot be used here.
    error DepositMismatch(uint256 asset, uint256 expected, uint256 received);

    /// @notice A deposit failed without a reason, or with one too long to pass on.
    /// @dev Cure: give the call more gas; see that payer and token answer within DEPOSIT_GAS.
    error DepositFailed();

    /// @notice The payer of a deposit neither sent the transition nor signed this deposit.
    /// @dev Cure: send from the payer, or attach the payer's EIP-712 `Deposit` signature (ERC-1271 for contracts).
    error PayerNotAuthorized(address payer);

    /// @notice The call has too little gas left to offer a deposit DEPOSIT_GAS, or a payout PAYOUT_GAS: it would be refused for that, not for
    /// any fault of its own.
    /// @dev Cure: give the transaction more gas; what is not used is returned.
    error TooLittleGas(uint256 left, uint256 needed);

    /// @notice Only the ledger itself calls this function.
    /// @dev Cure: deposit with a transition.
    error OnlyTheLedger();

    /// @notice The ledger holds less of the asset's token than is withdrawn; what it owes or has promised in the same call does not count, and
    /// what the impaired fund has not covered does.
    /// @dev Cure: withdraw less, or wait for deposits.
    error InsufficientHoldings(uint256 asset, uint256 held, uint256 asked);

    /// @notice The token does not tell the ledger's balance within BALANCE_GAS, so that nobody knows what can be withdrawn.
    /// @dev Cure: wait until the token's issuer has mended it; the account is as it was.
    error BalanceUnknown(uint256 asset);

    /// @notice Nothing of the asset is owed to the caller.
    /// @dev Cure: collect from the account that the Owed event names, once.
    error NothingOwed(uint256 asset, address account);

    constructor(IERC20Metadata cash) {
        uint8 decimals = cash.decimals();
        if (decimals != 6) revert CashDecimals(decimals);
        _list(CASH, cash, 1);
    }

    /// @notice Lists a spot asset. Final.
    /// @param asset Instrument id, 1 to 2^32 − 1.
    /// @param token Its token, which backs no other asset.
    /// @param unit Smallest units of the token in one lot.
    function listAsset(uint256 asset, IERC20 token, uint96 unit) external onlyRole(LISTER_ROLE) {
        if (asset == CASH || asset >= ID_BOUND) revert InvalidAsset(asset);
        _list(asset, token, unit);
    }

    /// @notice Pays the caller what it is owed of an asset.
    /// @param asset Asset.
    function collect(uint256 asset) external nonReentrant {
        uint256 amount = balanceOwed[asset][msg.sender];
        if (amount == 0) revert NothingOwed(asset, msg.sender);
        delete balanceOwed[asset][msg.sender];
        totalOwed[asset] -= amount;
        emit Collected(asset, msg.sender, amount);
        Asset memory listing = assetOf[asset];
        listing.token.safeTransfer(msg.sender, amount * listing.unit);
    }

    /// @notice Takes deposits, all or none. The ledger calls itself, so that a failure undoes them without undoing the batch.
    /// @param deposits Whose, what and how much.
    function takeDeposits(Deposit[] calldata deposits) external {
        if (msg.sender != address(this)) revert OnlyTheLedger();
        for (uint256 i; i < deposits.length; ++i) {
            Deposit calldata deposit = deposits[i];
            if (
                deposit.digest != 0 &&
                !SignatureChecker.isValidSignatureNowCalldata(
                    deposit.payer,
                    deposit.digest,
                    deposit.signature
                )
            ) revert PayerNotAuthorized(deposit.payer);
            _pull(deposit.asset, deposit.payer, deposit.amount);
        }
    }

    /// @notice Cash behind the accounts, in micro-USDC: what the ledger holds, less what it owes and what it has promised in a call under way.
    function cashHoldings() external view returns (uint256) {
        return _free(CASH, assetOf[CASH].token.balanceOf(address(this)));
    }

    /// @dev Takes deposits, all or none; returns why not.
    function _refusalOfDeposits(Deposit[] memory deposits) internal returns (bytes memory refusal) {
        bytes memory data = abi.encodeCall(this.takeDeposits, (deposits));
        uint256 limit = DEPOSIT_GAS;
        _requireGas(limit);
        uint256 longest = LONGEST_REASON;
        bool taken;
        assembly ("memory-safe") {
            taken := call(limit, address(), 0, add(data, 0x20), mload(data), 0, 0)
            let size := returndatasize()
            if and(iszero(taken), and(gt(size, 0), iszero(gt(size, longest)))) {
                refusal := mload(0x40)
                mstore(0x40, add(refusal, and(add(size, 0x3f), not(0x1f))))
                mstore(refusal, size)
                returndatacopy(add(refusal, 0x20), 0, size)
            }
        }
        if (!taken && refusal.length == 0) refusal = Refusal.by(DepositFailed.selector);
    }

    /// @dev Why an amount of an asset may not be paid out, if `asked` of it are to be paid and `arriving` are to be taken first.
    function _refusalOfPayout(
        uint256 asset,
        uint256 asked,
        uint256 arriving
    ) internal view returns (bytes memory refusal) {
        Asset memory listing = assetOf[asset];
        if (address(listing.token) == address(0)) {
            return Refusal.by(AssetNotListed.selector, asset);
        }
        if (asked >= AMOUNT_BOUND) return Refusal.by(AmountTooLarge.selector, asked);
        if (arriving >= AMOUNT_BOUND) return Refusal.by(AmountTooLarge.selector, arriving);
        (bool known, uint256 balance) = _balance(listing.token);
        if (!known) return Refusal.by(BalanceUnknown.selector, asset);
        uint256 units = asked * listing.unit;
        uint256 coming = arriving * listing.unit;
        uint256 held = _free(asset, balance);
        // Not held + coming < units: a token may boast of a balance to which nothing can be added.
        if (units > coming && held < units - coming) {
            refusal = Refusal.by(InsufficientHoldings.selector, asset, held + coming, units);
        }
    }

    /// @dev Promises an amount of an asset, to be paid by {_pay} in the same call.
    function _promise(uint256 asset, uint256 amount) internal {
        TransientSlot.Uint256Slot slot = _promised(asset);
        slot.tstore(slot.tload() + amount * assetOf[asset].unit);
    }

    /// @dev Pays a promised amount of an asset; what its token refuses to transfer is owed.
    function _pay(uint256 asset, address recipient, uint256 amount) internal {
        Asset memory listing = assetOf[asset];
        uint256 units = amount * listing.unit;
        TransientSlot.Uint256Slot slot = _promised(asset);
        slot.tstore(slot.tload() - units);
        if (_transfer(listing.token, recipient, units)) return;
        balanceOwed[asset][recipient] += amount;
        totalOwed[asset] += amount;
        emit Owed(asset, recipient, amount);
    }

    /// @dev Transfers tokens with PAYOUT_GAS; returns whether the token did. Of what it answers one word is read: true, or nothing at all.
    function _transfer(IERC20 token, address recipient, uint256 units) private returns (bool done) {
        uint256 limit = PAYOUT_GAS;
        _requireGas(limit);
        bytes memory data = abi.encodeCall(IERC20.transfer, (recipient, units));
        assembly ("memory-safe") {
            done := call(limit, token, 0, add(data, 0x20), mload(data), 0, 0x20)
            let size := returndatasize()
            switch size
            case 0 {
                done := and(done, gt(extcodesize(token), 0))
            }
            default {
                done := and(done, and(gt(size, 0x1f), eq(mload(0), 1)))
            }
        }
    }

    /// @dev Reverts unless a call can be given this much gas: it passes on at most 63 of 64 parts of what is left, and costs some itself.
    function _requireGas(uint256 limit) private view {
        uint256 needed = (limit * 64) / 63 + 5_000;
        if (gasleft() < needed) revert TooLittleGas(gasleft(), needed);
    }

    /// @dev Takes `amount` units of an asset from `payer`, who has approved the ledger, and checks what arrived.
    function _pull(uint256 asset, address payer, uint256 amount) private {
        Asset memory listing = assetOf[asset];
        IERC20 token = listing.token;
        if (address(token) == address(0)) revert AssetNotListed(asset);
        if (amount >= AMOUNT_BOUND) revert AmountTooLarge(amount);
        uint256 units = amount * listing.unit;
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(payer, address(this), units);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != units) revert DepositMismatch(asset, units, received);
    }

    /// @dev The ledger's balance, asked for with BALANCE_GAS; returns whether the token told it. A call with less gas left gives it 63 parts
    /// of 64, and what remains if these do not suffice is too little to refuse an item: the whole call reverts.
    function _balance(IERC20 token) private view returns (bool known, uint256 units) {
        uint256 limit = BALANCE_GAS;
        bytes memory data = abi.encodeCall(IERC20.balanceOf, (address(this)));
        assembly ("memory-safe") {
            known := staticcall(limit, token, add(data, 0x20), mload(data), 0, 0x20)
            known := and(known, gt(returndatasize(), 0x1f))
            units := mload(0)
        }
    }

    /// @dev Units of a listed asset's token behind the accounts, of the ledger's balance: what is neither owed nor promised.
    function _free(uint256 asset, uint256 balance) private view returns (uint256) {
        uint256 committed = totalOwed[asset] * assetOf[asset].unit + _promised(asset).tload();
        return balance > committed ? balance - committed : 0;
    }

    function _promised(uint256 asset) private pure returns (TransientSlot.Uint256Slot) {
        return PROMISED.deriveMapping(asset).asUint256();
    }

    function _list(uint256 asset, IERC20 token, uint96 unit) private {
        if (unit == 0 || address(token).code.length == 0) revert InvalidListing(token, unit);
        if (isListed[token] || address(assetOf[asset].token) != address(0))
            revert AlreadyListed(asset, token);
        isListed[token] = true;
        assetOf[asset] = Asset(token, unit);
        emit AssetListed(asset, token, unit);
    }
}
