// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { AccessControl } from "@openzeppelin/contracts/access/AccessControl.sol";
import { FIELD_ORDER } from "./Field.sol";
import { IComplianceRegistry } from "./interfaces/IComplianceRegistry.sol";

/// @title Compliance registry
/// @notice Holds the root of the tree of admitted entities. A removal acts at once; an addition leaves the previous root valid for a
/// while, so that proofs under way survive it. Every list is made from the one that it replaces, and none comes back: a posting that
/// arrives late, twice or beside another officer's cannot bring a removed entity back.
contract ComplianceRegistry is IComplianceRegistry, AccessControl {
    /// @notice May post roots.
    bytes32 public constant OFFICER_ROLE = keccak256("OFFICER_ROLE");

    /// @notice Seconds for which an addition leaves the previous root valid.
    uint256 public constant ADDITION_GRACE = 5 minutes;

    /// @notice Whether everybody is admitted: registry root 0 is accepted. Fixed for ever.
    bool public immutable isOpen;

    /// @notice Current root; 0 before the first.
    uint256 public currentRoot;

    /// @notice Root before the latest addition; 0 if there is none or an entity was removed since.
    uint256 public previousRoot;

    /// @notice Time (Unix seconds) up to which the previous root is accepted.
    uint256 public previousUntil;

    /// @notice Whether a root was ever posted. Each is posted once: an older list may name entities that were removed since.
    mapping(uint256 root => bool) public wasPosted;

    /// @notice A root was posted. `removal`: some entity is no longer admitted, and every older root is void.
    event RootPosted(uint256 indexed root, bool removal, uint256 previousUntil);

    /// @notice The root is 0 or not a field element.
    /// @dev Cure: post the root of a registry tree.
    error InvalidRegistryRoot(uint256 root);

    /// @notice The list was made from another one than the current: what was posted meanwhile would be undone.
    /// @dev Cure: apply the change to the current list and post that; `replaced` is the root that the officer started from.
    error RegistryRootReplaced(uint256 currentRoot, uint256 replaced);

    /// @notice The root was posted before.
    /// @dev Cure: to readmit an entity, list it with another expiry. The current root may be posted again as a removal, which voids the one before.
    error RegistryRootReused(uint256 root);

    /// @param admin First administrator and officer.
    /// @param open Whether everybody is admitted.
    constructor(address admin, bool open) {
        isOpen = open;
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(OFFICER_ROLE, admin);
    }

    /// @notice Replaces the current root.
    /// @param replaced The root that the new tree was made from: the current one, 0 before the first.
    /// @param root Root of the new tree.
    /// @param removal Whether the new tree removes an entity or shortens a membership: the old root is void at once.
    function postRoot(uint256 replaced, uint256 root, bool removal) external onlyRole(OFFICER_ROLE) {
        uint256 current = currentRoot;
        if (replaced != current) revert RegistryRootReplaced(current, replaced);
        if (root == 0 || root >= FIELD_ORDER) revert InvalidRegistryRoot(root);
        if (root == current ? !removal : wasPosted[root]) revert RegistryRootReused(root);
        wasPosted[root] = true;
        if (removal) {
            previousRoot = 0;
            previousUntil = 0;
        } else {
            previousRoot = current;
            previousUntil = block.timestamp + ADDITION_GRACE;
        }
        currentRoot = root;
        emit RootPosted(root, removal, previousUntil);
    }

    /// @inheritdoc IComplianceRegistry
    function acceptsRoot(uint256 root) external view returns (bool) {
        if (root == 0) return isOpen;
        return root == currentRoot || (root == previousRoot && block.timestamp <= previousUntil);
    }
}
