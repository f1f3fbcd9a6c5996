// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { Custody } from "../../contracts/Custody.sol";
import { TestToken } from "../../contracts/test/TestToken.sol";

/// @dev Custody without proofs.
contract OpenCustody is Custody {
    constructor(TestToken cash) Custody(cash) {
        _grantRole(LISTER_ROLE, msg.sender);
    }

    function pull(uint256 asset, address payer, uint256 amount) external {
        Deposit[] memory deposits = new Deposit[](1);
        deposits[0] = Deposit(asset, amount, payer, 0, "");
        admit(_refusalOfDeposits(deposits));
    }

    function push(uint256 asset, address recipient, uint256 amount) external {
        admit(_refusalOfPayout(asset, amount, 0));
        _promise(asset, amount);
        _pay(asset, recipient, amount);
    }

    function admit(bytes memory refusal) private pure {
        if (refusal.length == 0) return;
        assembly ("memory-safe") {
            revert(add(refusal, 0x20), mload(refusal))
        }
    }
}

/// @notice Tokens held are deposits less withdrawals, in every asset, whatever the unit.
contract CustodyTest {
    TestToken private cash;
    TestToken private spot;
    OpenCustody private custody;

    function setUp() public {
        cash = new TestToken("USD Coin", "USDC", 6);
        spot = new TestToken("Ether", "ETH", 18);
        custody = new OpenCustody(cash);
    }

    function testFuzzHoldingsAreDepositsLessWithdrawals(uint256 seed, uint96 unit) public {
        if (unit == 0) unit = 1;
        custody.listAsset(7, spot, unit);
        uint256[2] memory claims;
        address recipient = address(0xbeef);
        for (uint256 step; step < 30; ++step) {
            uint256 random = uint256(keccak256(abi.encode(seed, step)));
            uint256 which = random & 1;
            uint256 asset = which * 7;
            TestToken token = which == 0 ? cash : spot;
            uint256 amount = (random >> 8) % 2 ** 60;
            if (random & 2 == 0) {
                uint256 units = amount * (which == 0 ? 1 : unit);
                token.mint(address(this), units);
                token.approve(address(custody), units);
                custody.pull(asset, address(this), amount);
                claims[which] += amount;
            } else {
                amount = claims[which] == 0 ? 0 : amount % (claims[which] + 1);
                custody.push(asset, recipient, amount);
                claims[which] -= amount;
            }
            require(cash.balanceOf(address(custody)) == claims[0], "cash");
            require(spot.balanceOf(address(custody)) == claims[1] * unit, "spot");
        }
        require(custody.totalOwed(0) == 0 && custody.totalOwed(7) == 0, "owed");
        try custody.push(7, recipient, claims[1] + 1) {
            revert("paid more than held");
        } catch (bytes memory reason) {
            bytes4 selector =
                claims[1] + 1 < 2 ** 60
                    ? Custody.InsufficientHoldings.selector
                    : Custody.AmountTooLarge.selector;
            require(bytes4(reason) == selector, "reason");
        }
    }
}
