// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { ERC20 } from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @dev What a token does with a transfer: as it should; keep a tenth; answer false; revert; answer true and move nothing; call somebody else
/// in the middle; revert with 100 kB; burn all gas; move and answer nothing; answer 100 kB; revert, burn all gas, or answer nothing, when asked for
/// a balance; take nearly all the gas of a payout, or of a question for a balance, and do as it should.
enum Mood {
    Honest,
    Fee,
    False,
    Revert,
    Nothing,
    Call,
    Bomb,
    Burn,
    Mute,
    Chatty,
    BalanceRevert,
    BalanceBurn,
    Hungry,
    BalanceMute,
    BalanceHungry,
    BalanceBoast
}

/// @title Moody token
/// @notice An ERC-20 that misbehaves as it is told to, so that one ledger meets every kind of hostile token.
contract MoodyToken is ERC20 {
    Mood public mood;

    /// @notice Calls made in the middle of transfers that succeeded.
    uint256 public calls;

    /// @notice Units that an account was told to have transferred, and still has.
    mapping(address account => uint256) public unmoved;

    /// @notice The error with which the last of such calls was refused; 0 since it was armed if none was.
    bytes4 public refusal;

    /// @dev Gas that a transfer takes in the mood for it.
    uint256 private constant HUNGER = 250_000;

    /// @dev Gas that telling a balance takes in the mood for it.
    uint256 private constant BALANCE_HUNGER = 90_000;

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
        refusal = 0;
    }

    function balanceOf(address account) public view override returns (uint256) {
        if (mood == Mood.BalanceRevert) revert("no");
        if (mood == Mood.BalanceBurn) {
            assembly {
                invalid()
            }
        }
        if (mood == Mood.BalanceMute) {
            assembly {
                return(0, 0)
            }
        }
        if (mood == Mood.BalanceHungry) _burnGas(BALANCE_HUNGER);
        if (mood == Mood.BalanceBoast) return type(uint256).max;
        return super.balanceOf(account);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function transfer(address to, uint256 units) public override returns (bool) {
        if (mood == Mood.Nothing) unmoved[msg.sender] += units;
        return _move(msg.sender, to, units);
    }

    function transferFrom(address from, address to, uint256 units) public override returns (bool) {
        _spendAllowance(from, msg.sender, units);
        return _move(from, to, units);
    }

    function _burnGas(uint256 amount) private view {
        uint256 before = gasleft();
        while (before - gasleft() < amount) continue;
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
            (bool done, bytes memory answer) = _target.call(_data);
            if (done) ++calls;
            else refusal = bytes4(answer);
        }
        if (mood == Mood.Hungry) _burnGas(HUNGER);
        if (mood == Mood.Mute || mood == Mood.Chatty) {
            _transfer(from, to, units);
            uint256 size = mood == Mood.Mute ? 0 : 100_000;
            assembly {
                mstore(0, 1)
                return(0, size)
            }
        }
        if (mood == Mood.Fee) {
            _burn(from, units / 10);
            units -= units / 10;
        }
        _transfer(from, to, units);
        return true;
    }
}
