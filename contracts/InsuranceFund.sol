// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { AccessControl } from "@openzeppelin/contracts/access/AccessControl.sol";
import { IERC20 } from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import { SafeERC20 } from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import { ReentrancyGuardTransient } from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import { Math } from "@openzeppelin/contracts/utils/math/Math.sol";
import { SafeCast } from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import { LedgerBound } from "./LedgerBound.sol";
import { RecoveryClaims } from "./RecoveryClaims.sol";
import { IInsuranceFund } from "./interfaces/IInsuranceFund.sol";
import { ILedgerState } from "./interfaces/ILedgerState.sol";

/// @title Insurance fund
/// @notice Pays what bankrupt accounts owe and rewards the keepers who close them. What it lacks is the uncovered deficit: first it
/// locks withdrawals, then everybody who withdraws shares it, until it is recovered. Amounts are micro-USDC.
/// @dev While anything is uncovered or claimed, every deposit goes there first, so that `balance` is then 0. Tokens sent without
/// `deposit` count for nothing.
contract InsuranceFund is
    IInsuranceFund,
    LedgerBound,
    RecoveryClaims,
    AccessControl,
    ReentrancyGuardTransient
{
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @notice May set the floor and release what is above it.
    bytes32 public constant PARAMETER_ROLE = keccak256("PARAMETER_ROLE");

    /// @notice Seconds for which withdrawals lock when the fund becomes impaired.
    uint256 public constant LOCK_FOR = 24 hours;

    /// @notice The fund becomes impaired when its uncovered deficit times this is above the ledger's cash holdings.
    uint256 public constant IMPAIRED_FROM = 1000;

    /// @notice All rewards of an epoch are at most the fund's balance at its first payment divided by this.
    uint256 public constant REWARD_SHARE = 10;

    /// @dev Id of cash among the ledger's assets.
    uint256 private constant CASH = 0;

    /// @notice The cash token, the ledger's.
    IERC20 public immutable cash;

    /// @notice What the fund may pay.
    uint128 public balance;

    /// @notice Below this balance the ledger admits no new risk.
    uint128 public floor;

    /// @inheritdoc IInsuranceFund
    uint128 public override uncovered;

    /// @notice When the fund became impaired (Unix seconds); 0 if it is not, or if nobody has recorded it.
    uint64 public impairedSince;

    /// @notice Latest epoch of a payment.
    uint64 public rewardEpoch;

    /// @notice What keepers may still be rewarded with in that epoch.
    uint256 public rewardLeft;

    /// @notice Somebody paid into the fund: what covers the deficit went to the ledger, what recovers claims waits for its holders, the
    /// rest stays.
    event Deposited(address indexed from, uint256 amount, uint256 toDeficit, uint256 toClaims);

    /// @notice The fund paid a take-over's deficit, as far as it could, and the keeper's reward.
    event TakeOverPaid(uint256 indexed epoch, uint256 covered, uint256 uncoveredPart, uint256 reward);

    /// @notice The uncovered deficit is above 0.1% of the ledger's cash: withdrawals are locked.
    event Impaired(uint256 uncovered, uint256 holdings, uint256 lockedUntil);

    /// @notice Nothing is uncovered any more: withdrawals are paid in full.
    event ImpairmentEnded();

    /// @notice The floor was set.
    event FloorSet(uint256 floor);

    /// @notice Money above the floor was released.
    event Released(address indexed to, uint256 amount);

    /// @notice The ledger's cash token is another one than the fund's.
    /// @dev Cure: deploy the fund with the ledger's cash token.
    error CashDiffers(IERC20 fundCash, IERC20 ledgerCash);

    /// @notice The fund received another amount than the deposit says.
    /// @dev Cure: none for a token that takes a fee on transfers or changes balances; it cannot be used here.
    error ReceivedDiffers(uint256 expected, uint256 received);

    /// @notice The fund cannot pay the reward after the deficit.
    /// @dev Cure: take over at a later epoch or for a reward of at most `available`, or have somebody deposit into the fund.
    error RewardUnfunded(uint256 reward, uint256 available);

    /// @notice The rewards of the epoch would be above a tenth of the fund.
    /// @dev Cure: prove with a reward of at most `left`, or at a later epoch.
    error RewardAboveCap(uint256 reward, uint256 left);

    /// @notice Some deficit or claim is not recovered.
    /// @dev Cure: deposit it first; nothing is released before.
    error FundInDebt(uint256 uncovered, uint256 claims);

    /// @notice The release would leave less than the floor.
    /// @dev Cure: release at most `above`, or lower the floor.
    error ReleaseBelowFloor(uint256 amount, uint256 above);

    /// @param admin First administrator and holder of the parameter role.
    /// @param cashToken The ledger's cash token.
    /// @param firstFloor First floor.
    constructor(address admin, IERC20 cashToken, uint256 firstFloor) {
        cash = cashToken;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(PARAMETER_ROLE, admin);
        _setFloor(firstFloor);
    }

    /// @notice Pays into the fund. Anybody may. While some deficit is uncovered or claimed, the deposit is shared between the two in
    /// proportion, and only what is left stays in the fund.
    /// @param amount Taken from the sender, who has approved the fund.
    function deposit(uint256 amount) external nonReentrant {
        uint256 before = cash.balanceOf(address(this));
        cash.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = cash.balanceOf(address(this)) - before;
        if (received != amount) revert ReceivedDiffers(amount, received);

        uint256 debt = uncovered + totalClaims;
        uint256 toDebt = Math.min(amount, debt);
        uint256 toDeficit = debt == 0 ? 0 : Math.mulDiv(toDebt, uncovered, debt);
        uint256 toClaims = toDebt - toDeficit;
        _recover(toClaims);
        balance += (amount - toDebt).toUint128();
        emit Deposited(msg.sender, amount, toDeficit, toClaims);
        if (toDeficit != 0) {
            _lowerUncovered(toDeficit);
            cash.safeTransfer(address(ledger), toDeficit);
        }
    }

    /// @notice Pays the sender its part of what was recovered for its claim.
    function collectRecovery() external nonReentrant {
        cash.safeTransfer(msg.sender, _collect(msg.sender));
    }

    /// @notice Starts the lock if the fund is impaired and nobody has recorded it: withdrawals lower the ledger's holdings without the
    /// fund's knowledge. Anybody may call.
    function recordImpairment() external nonReentrant {
        _recordImpairment();
    }

    /// @notice Sets the floor.
    function setFloor(uint256 newFloor) external onlyRole(PARAMETER_ROLE) {
        _setFloor(newFloor);
    }

    /// @notice Releases money above the floor, when nothing is owed.
    /// @param to Who receives it.
    /// @param amount How much.
    function release(address to, uint256 amount) external onlyRole(PARAMETER_ROLE) nonReentrant {
        if (uncovered != 0 || totalClaims != 0) revert FundInDebt(uncovered, totalClaims);
        uint256 above = Math.saturatingSub(balance, floor);
        if (amount > above) revert ReleaseBelowFloor(amount, above);
        balance -= uint128(amount);
        emit Released(to, amount);
        cash.safeTransfer(to, amount);
    }

    /// @inheritdoc IInsuranceFund
    function payTakeOver(
        uint256 deficit,
        uint256 reward,
        uint256 epoch
    ) external onlyLedger nonReentrant returns (uint256 uncoveredPart) {
        if (deficit == 0 && reward == 0) return 0;
        bytes memory refusal = refusalOfPayment(deficit, reward, epoch);
        if (refusal.length != 0) {
            assembly ("memory-safe") {
                revert(add(refusal, 0x20), mload(refusal))
            }
        }
        if (epoch > rewardEpoch) {
            rewardEpoch = epoch.toUint64();
            rewardLeft = balance / REWARD_SHARE;
        }
        rewardLeft -= reward;
        uint256 covered = Math.min(deficit, balance);
        uncoveredPart = deficit - covered;
        balance -= uint128(covered + reward);
        uncovered += uncoveredPart.toUint128();
        emit TakeOverPaid(epoch, covered, uncoveredPart, reward);
        if (covered + reward != 0) cash.safeTransfer(address(ledger), covered + reward);
        _recordImpairment();
    }

    /// @inheritdoc IInsuranceFund
    /// @dev Everybody else's ratio stays: holdings and deficit fall in proportion, by a fraction of a micro-USDC in their favour.
    function settleWithdrawal(
        address recipient,
        uint256 amount
    ) external onlyLedger nonReentrant returns (uint256 paid) {
        _recordImpairment();
        if (impairedSince == 0) return amount;
        uint256 holdings = ledger.cashHoldings();
        paid = Math.mulDiv(amount, holdings, holdings + uncovered);
        uint256 rest = amount - paid;
        if (rest == 0) return paid;
        _addClaim(recipient, rest);
        // More than all holdings and deficit together is not there to be paid; the ledger refuses or owes it.
        _lowerUncovered(Math.min(rest, uncovered));
    }

    /// @inheritdoc IInsuranceFund
    function isBelowFloor() external view returns (bool) {
        return balance < floor;
    }

    /// @inheritdoc IInsuranceFund
    /// @dev From when the deficit exceeds 0.1% until it is 0: holdings come and go, and nobody shall end the lock by a passing deposit
    /// into the ledger.
    function isImpaired() public view returns (bool) {
        return impairedSince != 0 || _exceedsHoldings();
    }

    /// @inheritdoc IInsuranceFund
    /// @dev Where nobody has recorded the impairment, the 24 hours have not begun.
    function lockedUntil() external view returns (uint256) {
        if (impairedSince != 0) return impairedSince + LOCK_FOR;
        return _exceedsHoldings() ? block.timestamp + LOCK_FOR : 0;
    }

    /// @inheritdoc IInsuranceFund
    function refusalOfPayment(
        uint256 deficit,
        uint256 reward,
        uint256 epoch
    ) public view returns (bytes memory) {
        if (reward == 0) return "";
        uint256 available = Math.saturatingSub(balance, deficit);
        if (reward > available) {
            return abi.encodeWithSelector(RewardUnfunded.selector, reward, available);
        }
        uint256 left = epoch > rewardEpoch ? balance / REWARD_SHARE : rewardLeft;
        if (reward > left) return abi.encodeWithSelector(RewardAboveCap.selector, reward, left);
        return "";
    }

    function _onBind(ILedgerState boundLedger) internal view override {
        (IERC20 token, ) = boundLedger.assetOf(CASH);
        if (token != cash) revert CashDiffers(cash, token);
    }

    function _recordImpairment() private {
        if (impairedSince != 0 || !_exceedsHoldings()) return;
        impairedSince = uint64(block.timestamp);
        emit Impaired(uncovered, ledger.cashHoldings(), block.timestamp + LOCK_FOR);
    }

    function _lowerUncovered(uint256 amount) private {
        uncovered -= uint128(amount);
        if (uncovered == 0 && impairedSince != 0) {
            impairedSince = 0;
            emit ImpairmentEnded();
        }
    }

    function _setFloor(uint256 newFloor) private {
        floor = newFloor.toUint128();
        emit FloorSet(newFloor);
    }

    function _exceedsHoldings() private view returns (bool) {
        return uncovered != 0 && uncovered * IMPAIRED_FROM > ledger.cashHoldings();
    }
}
