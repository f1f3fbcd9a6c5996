// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

/// @title Insurance fund
/// @notice What the ledger asks and tells the fund that stands behind bankrupt accounts. Amounts are micro-USDC.
interface IInsuranceFund {
    /// @notice Whether the fund holds less than its floor, so that the ledger admits no new risk.
    function isBelowFloor() external view returns (bool);

    /// @notice Whether the uncovered deficit is above 0.1% of the ledger's cash holdings.
    function isImpaired() external view returns (bool);

    /// @notice When withdrawals unlock: 24 hours after the fund became impaired; 0 if it is not impaired.
    function lockedUntil() external view returns (uint256);

    /// @notice Bankrupt accounts' deficits that nobody has paid yet: accounts' claims beyond the ledger's cash holdings.
    function uncovered() external view returns (uint128);

    /// @notice Why the fund refuses a take-over's payment.
    /// @param deficit Negative equity to be made good; uncapped, what the fund lacks becomes uncovered.
    /// @param reward The keeper's reward, which must be in the fund and within the epoch's cap.
    /// @param epoch Epoch of the snapshot the take-over is proven on.
    /// @return The encoded error; empty if the payment is admitted.
    function refusalOfPayment(
        uint256 deficit,
        uint256 reward,
        uint256 epoch
    ) external view returns (bytes memory);

    /// @notice Pays a take-over's deficit and reward to the ledger; only the ledger may call.
    /// @param deficit As for `refusalOfPayment`.
    /// @param reward As for `refusalOfPayment`.
    /// @param epoch As for `refusalOfPayment`.
    /// @return uncoveredPart What the fund lacked of the deficit and recorded as uncovered.
    function payTakeOver(
        uint256 deficit,
        uint256 reward,
        uint256 epoch
    ) external returns (uint256 uncoveredPart);

    /// @notice Settles a cash withdrawal while the fund is impaired; only the ledger may call, before it pays.
    /// @param recipient Whom the withdrawal pays; the unpaid rest becomes its claim on what is recovered.
    /// @param amount The amount withdrawn.
    /// @return paid What the ledger shall pay: amount · holdings / (holdings + uncovered deficit), floored.
    function settleWithdrawal(address recipient, uint256 amount) external returns (uint256 paid);
}
