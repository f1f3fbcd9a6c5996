// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.30;

import { PublicSignals } from "../../../../contracts/PublicSignals.sol";
import { Circuit } from "../../../../contracts/interfaces/IProofVerifier.sol";

// What solc's model checker proves, for all values of parameters. Nothing here is deployed.

contract PublicSignalsProperties {
    /// The batch verifier's arithmetic on places in calldata relies on it.
    function few(Circuit circuit) external pure {
        assert(PublicSignals.count(circuit) >= 5);
        assert(PublicSignals.count(circuit) <= 25);
    }
}
