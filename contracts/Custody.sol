// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { AccessControl } from "@openzeppelin/contracts/access/AccessControl.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { IERC20Metadata } from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Custody
/// @notice Holds the ERC-20 tokens behind the accounts. Asset 0 is cash, in micro-USDC; any other asset is a spot instrument's id, in lots.
/// @dev A listing is final: an account's claim on lots must mean the same number of tokens for ever.
abstract contract Custody is AccessControl {
    using SafeERC20 for IERC20;

    /// @dev One slot: the token, and how many of its smallest units one unit of the asset is (one lot; one micro-USDC for cash).
    struct Asset {
        IERC20 token;
        uint96 unit;
    }

    /// @notice Asset id of cash.
    uint256 public constant CASH = 0;

    /// @notice May list spot assets.
    bytes32 public constant LISTER_ROLE = keccak256("LISTER_ROLE");

    /// @dev Instrument ids have 32 bits; amounts of any asset stay below 2^60.
    uint256 private constant ID_BOUND = 2 ** 32;
    uint256 private constant AMOUNT_BOUND = 2 ** 60;

    /// @notice Token and unit of an asset; a zero token means that it is not listed.
    mapping(uint256 asset => Asset) public assetOf;

    /// @notice Whether a token already backs an asset.
    mapping(IERC20 token => bool) public isListed;

    /// @notice An asset was listed, for ever: one unit of it is `unit` smallest units of `token`.
    event AssetListed(uint256 indexed asset, IERC20 indexed token, uint96 unit);

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

    /// @notice The ledger holds less of the asset's token than is to be paid out.
    /// @dev Cure: withdraw less, or wait for deposits.
    error InsufficientHoldings(uint256 asset, uint256 held, uint256 asked);

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

    /// @dev Takes `amount` units of an asset from `payer`, who has approved the ledger, and checks what arrived.
    function _pull(uint256 asset, address payer, uint256 amount) internal {
        (IERC20 token, uint256 units) = _units(asset, amount);
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(payer, address(this), units);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != units) revert DepositMismatch(asset, units, received);
    }

    /// @dev Pays `amount` units of an asset to `recipient`.
    function _push(uint256 asset, address recipient, uint256 amount) internal {
        (IERC20 token, uint256 units) = _units(asset, amount);
        uint256 held = token.balanceOf(address(this));
        if (held < units) revert InsufficientHoldings(asset, held, units);
        token.safeTransfer(recipient, units);
    }

    function _units(uint256 asset, uint256 amount) private view returns (IERC20 token, uint256 units) {
        Asset memory listing = assetOf[asset];
        token = listing.token;
        if (address(token) == address(0)) revert AssetNotListed(asset);
        if (amount >= AMOUNT_BOUND) revert AmountTooLarge(amount);
        // Below 2^60 · 2^96.
        unchecked {
            units = amount * listing.unit;
        }
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
