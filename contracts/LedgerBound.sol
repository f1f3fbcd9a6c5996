// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { ILedgerState } from "./interfaces/ILedgerState.sol";

/// @title Bound to a ledger
/// @notice Learns once, from its deployer, which ledger it serves. The ledger's constructor takes the addresses of the contracts that
/// serve it, so that they exist before it does.
abstract contract LedgerBound {
    address private immutable _deployer = msg.sender;

    /// @notice The ledger; 0 before `bind`.
    ILedgerState public ledger;

    /// @notice The contract serves this ledger, for ever.
    event Bound(ILedgerState indexed ledger);

    /// @notice The sender did not deploy the contract.
    /// @dev Cure: bind from the account that deployed it.
    error NotTheDeployer(address sender);

    /// @notice The contract is bound to a ledger already, for ever.
    /// @dev Cure: deploy another one for another ledger.
    error AlreadyBound(ILedgerState ledger);

    /// @notice The address has no code.
    /// @dev Cure: deploy the ledger first, then bind to its address.
    error NotALedger(ILedgerState ledger);

    /// @notice Only the ledger may call this.
    /// @dev Cure: none; the ledger calls it when it admits a transition or take-over.
    error NotTheLedger(address sender);

    modifier onlyLedger() {
        if (msg.sender != address(ledger)) revert NotTheLedger(msg.sender);
        _;
    }

    /// @notice Binds the contract to its ledger. Once, by the deployer.
    /// @param boundLedger The ledger whose constructor was given this contract's address.
    function bind(ILedgerState boundLedger) external {
        if (msg.sender != _deployer) revert NotTheDeployer(msg.sender);
        if (address(ledger) != address(0)) revert AlreadyBound(ledger);
        if (address(boundLedger).code.length == 0) revert NotALedger(boundLedger);
        ledger = boundLedger;
        _onBind(boundLedger);
        emit Bound(boundLedger);
    }

    /// @dev Reads what never changes of the ledger, and refuses a ledger that does not fit.
    function _onBind(ILedgerState boundLedger) internal virtual;
}
