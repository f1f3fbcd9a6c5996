pragma circom 2.2.0;

// The constants of protocol/constants.ts, under the same words. A test compares the two files' effects by hashing with both.

function DOMAIN_OWNER() { return 1; }
function DOMAIN_ENTITY() { return 2; }
function DOMAIN_NOTE() { return 3; }
function DOMAIN_NOTE_TAIL() { return 4; }
function DOMAIN_SPEND() { return 5; }
function DOMAIN_PAD() { return 6; }
function DOMAIN_TRADE() { return 7; }
function DOMAIN_SNAPSHOT() { return 8; }
function DOMAIN_ROW() { return 9; }
function DOMAIN_ROW_NODE() { return 10; }
function DOMAIN_UNDERLYING_NODE() { return 11; }
function DOMAIN_STATE_LEAVES() { return 12; }
function DOMAIN_STATE_NODE() { return 13; }
function DOMAIN_REGISTRY_LEAF() { return 14; }
function DOMAIN_REGISTRY_NODE() { return 15; }
function DOMAIN_COUNT() { return 16; }
function DOMAIN_OPEN_PAD() { return 17; }
function DOMAIN_EPHEMERAL() { return 18; }
function DOMAIN_TAKE_OVER_PAD() { return 19; }

// Q16 one; cash in (-2^60, 2^60); sizes in [-2^36, 2^36); row values below 2^40 in absolute value.
function Q16() { return 1 << 16; }
function CASH_BITS() { return 60; }
function SIZE_BITS() { return 36; }
function ROW_VALUE_BITS() { return 40; }
function LOSS_DIGIT_BITS() { return 84; }
function NOTE_LEGS() { return 20; }
function NOTE_HEAD_LEGS() { return 11; }
function PACKAGE_LEGS() { return 4; }

// Take-overs: the fund's reward counts with at most 5%; an account with less than 2,000 USDC of margin is taken whole.
function REWARD_RATE() { return 3276; }
function WHOLE_BELOW() { return 2000000000; }
