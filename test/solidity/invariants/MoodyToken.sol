// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @dev What a token does with a transfer: as it should; keep a tenth; answer false; revert; answer true and move nothing; call somebody else
/// in the middle; revert with 100 kB; burn all gas.
enum Mood {
    Honest,
    Fee,
    False,
    Revert,
    Nothing,
    Call,
    Bomb,
    Burn
}

/// @title Moody token
/// @notice An ERC-20 that misbehaves as it is told to, so that one ledger meets every kind of hostile token.
contract MoodyToken is ERC20 {
    Mood public mood;

    /// @notice Calls made in the middle of transfers that succeeded.
    uint256 public calls;

    address private _target;
    bytes private _data;

    constructor() ERC20("Moody", "MOOD") {}

    /// @notice Creates tokens out of nothing.
    function mint(address account, uint256 units) external {
        _mint(account, units);
    }

    /// @notice Takes tokens away, as a token that is rebased downward does.
    function burn(address account, uint256 units) external {
        _burn(account, units);
    }

    function setMood(Mood next) external {
        mood = next;
    }

    /// @notice What is called in the middle of a transfer in the mood to.
    function arm(address target, bytes calldata data) external {
        _target = target;
        _data = data;
    }

    function transfer(address to, uint256 units) public override returns (bool) {
        return _move(msg.sender, to, units);
    }

    function transferFrom(address from, address to, uint256 units) public override returns (bool) {
        _spendAllowance(from, msg.sender, units);
        return _move(from, to, units);
    }

    function _move(address from, address to, uint256 units) private returns (bool) {
        if (mood == Mood.False) return false;
        if (mood == Mood.Nothing) return true;
        if (mood == Mood.Revert) revert("no");
        if (mood == Mood.Bomb) {
            assembly {
                revert(0, 100000)
            }
        }
        if (mood == Mood.Burn) {
            assembly {
                invalid()
            }
        }
        if (mood == Mood.Call) {
            (bool done, ) = _target.call(_data);
            if (done) ++calls;
        }
        if (mood == Mood.Fee) {
            _burn(from, units / 10);
            units -= units / 10;
        }
        _transfer(from, to, units);
        return true;
    }
}
