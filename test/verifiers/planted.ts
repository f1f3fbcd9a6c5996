/*
 * A planted bug for each rule of the analysis, and beside it the same done right, of which the rule says nothing.
 */

export interface Planted {
  /** Contract bodies, or whole sources when they begin with `contract`, `library` or `interface`. */
  bug: string;
  right: string;
  /** A part of the source line (or of the name) at which the bug is found. */
  at: string;
}

const PAY = "interface Callee { function pay() external; function ask() external view returns (uint256); }\n";
const GUARD = "modifier nonReentrant() { _; } modifier onlyOwner() { _; } modifier onlyRole(bytes32) { _; }";

export const PLANTED: Record<string, Planted> = {
  "write-after-call": {
    bug: `${PAY}contract C { mapping(address => uint256) owed; Callee callee;
      function draw() external { _send(); owed[msg.sender] = 0; }
      function _send() private { callee.pay(); } }`,
    right: `${PAY}contract C { mapping(address => uint256) owed; Callee callee;
      function draw() external { owed[msg.sender] = 0; _send(); }
      function look() external { owed[msg.sender] = callee.ask(); }
      function _send() private { callee.pay(); } }`,
    at: "owed[msg.sender] = 0",
  },
  "unguarded-entry": {
    bug: `contract C { ${GUARD} uint256 a; function one() external nonReentrant { a = 1; } function two() external { a = 2; } }`,
    right: `contract C { ${GUARD} uint256 a; function one() external nonReentrant { a = 1; } function two() external view returns (uint256) { return a; } }`,
    at: "function two",
  },
  "open-entry": {
    bug: `contract C { uint256 a; function set(uint256 b) external { a = b; } }`,
    right: `contract C { ${GUARD} uint256 a; function set(uint256 b) external onlyOwner { a = b; } }`,
    at: "function set",
  },
  "silent-role": {
    bug: `contract C { ${GUARD} uint256 a; function set(uint256 b) external onlyRole("x") { a = b; } }`,
    right: `contract C { ${GUARD} uint256 a; event Set(); function set(uint256 b) external onlyRole("x") { _set(b); } function _set(uint256 b) private { a = b; emit Set(); } }`,
    at: "function set",
  },
  "writing-view": {
    bug: `contract C { uint256 a; function isOpen() external returns (bool) { ++a; return true; } }`,
    right: `contract C { uint256 a; function isOpen() external view returns (bool) { return a > 0; } function open() external { ++a; } }`,
    at: "function isOpen",
  },
  "unchecked-call": {
    bug: `contract C { function f(address a) external { (bool ok, ) = a.call(""); } }`,
    right: `contract C { function f(address a) external { (bool ok, ) = a.call(""); require(ok); } }`,
    at: "a.call",
  },
  "unused-result": {
    bug: `contract C { function f() external pure { g(); } function g() private pure returns (uint256) { return 1; } }`,
    right: `contract C { function f() external pure returns (uint256) { return g(); } function g() private pure returns (uint256) { return 1; } }`,
    at: "g();",
  },
  "foreign-code": {
    bug: `contract C { function f(address a) external { (bool ok, ) = a.delegatecall(""); require(ok); } }`,
    right: `contract C { function f(address a) external { (bool ok, ) = a.staticcall(""); require(ok); } }`,
    at: "delegatecall",
  },
  "bare-token": {
    bug: `interface IERC20 { function transfer(address to, uint256 amount) external returns (bool); }
      contract C { function f(IERC20 a) external { require(a.transfer(msg.sender, 1)); } }`,
    right: `interface IERC20 { function transfer(address to, uint256 amount) external returns (bool); }
      library Safe { function safeTransfer(IERC20, address, uint256) internal {} }
      contract C { using Safe for IERC20; function f(IERC20 a) external { a.safeTransfer(msg.sender, 1); } }`,
    at: "a.transfer",
  },
  "foreign-payer": {
    bug: `library Safe { function safeTransferFrom(address, address, address, uint256) internal {} }
      contract C { using Safe for address; function f(address a, address b) external { a.safeTransferFrom(b, address(this), 1); } }`,
    right: `library Safe { function safeTransferFrom(address, address, address, uint256) internal {} }
      contract C { using Safe for address; function f(address a) external { a.safeTransferFrom(msg.sender, address(this), 1); } }`,
    at: "a.safeTransferFrom",
  },
  "call-in-loop": {
    bug: `${PAY}contract C { function f(Callee[3] calldata a) external { for (uint256 i; i < 3; ++i) _one(a[i]); } function _one(Callee a) private { a.pay(); } }`,
    right: `${PAY}contract C { function f(Callee a) external { for (uint256 i; i < 3; ++i) {} _one(a); } function _one(Callee a) private { a.pay(); } }`,
    at: "a.pay()",
  },
  "bare-recovery": {
    bug: `contract C { function f(bytes32 h, bytes32 r, bytes32 s) external pure returns (address) { return ecrecover(h, 27, r, s); } }`,
    right: `contract C { function f(bytes32 h) external pure returns (bytes32) { return keccak256(abi.encode(h)); } }`,
    at: "ecrecover",
  },
  "packed-hash": {
    bug: `contract C { function f(string calldata a, bytes calldata b) external pure returns (bytes32) { return keccak256(abi.encodePacked(a, b)); } }`,
    right: `contract C { function f(string calldata a, bytes calldata b) external pure returns (bytes32) { return keccak256(abi.encode(a, b)); } function g(string calldata a, uint256 b) external pure returns (bytes32) { return keccak256(abi.encodePacked(a, b)); } }`,
    at: "encodePacked",
  },
  "swallowed-error": {
    bug: `${PAY}contract C { function f(Callee a) external { try a.pay() {} catch {} } }`,
    right: `${PAY}contract C { function f(Callee a) external { try a.pay() {} catch { revert(); } } }`,
    at: "catch {}",
  },
  payable: {
    bug: `contract C { function f() external payable {} }`,
    right: `contract C { function f() external {} }`,
    at: "payable",
  },
  origin: {
    bug: `contract C { function f() external view returns (address) { return tx.origin; } }`,
    right: `contract C { function f() external view returns (address) { return msg.sender; } }`,
    at: "tx.origin",
  },
  proposer: {
    bug: `contract C { function f() external view returns (uint256) { return uint256(blockhash(block.number - 1)); } }`,
    right: `contract C { function f() external view returns (uint256) { return block.chainid; } }`,
    at: "block.number",
  },
  time: {
    bug: `contract C { function f() external view returns (uint256 t) { assembly { t := timestamp() } } }`,
    right: `contract C { function f(uint256 timestamp) external pure returns (uint256) { return timestamp; } }`,
    at: "timestamp()",
  },
  narrowing: {
    bug: `contract C { function f(uint256 a) external pure returns (uint64) { return uint64(a); } }`,
    right: `contract C { function f(uint64 a) external pure returns (uint256) { return uint256(a); } }`,
    at: "uint64(a)",
  },
  "divide-first": {
    bug: `contract C { function f(uint256 a) external pure returns (uint256) { uint256 share = a / 7; return share * 3; } }`,
    right: `contract C { function f(uint256 a) external pure returns (uint256) { uint256 share = a * 3; return share / 7; } }`,
    at: "share * 3",
  },
  "exact-balance": {
    bug: `contract C { function f() external view returns (bool) { return address(this).balance == 5; } }`,
    right: `contract C { function f() external view returns (bool) { return address(this).balance >= 5; } }`,
    at: "balance == 5",
  },
  "open-loop": {
    bug: `contract C { uint256 s; function f(uint256[] calldata a) external view returns (uint256 t) { for (uint256 i; i < a.length; ++i) t += a[i] + s; } }`,
    right: `contract C { uint256 constant N = 4; function f(uint256[N] calldata a) external pure returns (uint256 t) { for (uint256 i; i < N; ++i) for (uint256 j; j < i; ++j) t += a[j]; } }`,
    at: "i < a.length",
  },
  assembly: {
    bug: `contract C { function f() external pure returns (uint256 a) { assembly { a := add(1, 2) } } }`,
    right: `contract C { function f() external pure returns (uint256 a) { a = 1 + 2; } }`,
    at: "C.f ",
  },
  unchecked: {
    bug: `contract C { function f(uint256 a) external pure returns (uint256) { unchecked { return a + 2; } } }`,
    right: `contract C { function f(uint256 a) external pure returns (uint256) { return a + 2; } }`,
    at: "C.f ",
  },
  shadowing: {
    bug: `contract B { uint256 internal owner; } contract C is B { function f() external pure returns (uint256 owner) { owner = 1; } }`,
    right: `contract B { uint256 private owner; } contract C is B { function f() external pure returns (uint256 holder) { holder = 1; } }`,
    at: "uint256 owner",
  },
  "compiler-warning": {
    bug: `contract C { function f() external pure { uint256 a; } }`,
    right: `contract C { function f() external pure returns (uint256 a) { a = 1; } }`,
    at: "uint256 a",
  },
};
