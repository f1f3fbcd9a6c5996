import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { id } from "ethers";
import { projectFiles } from "./checks/files.ts";
import { ROOT } from "./setup/paths.ts";
import { replaceFile } from "./setup/stamp.ts";

/** Where the reference of the contracts' errors is kept. */
export const ERROR_REFERENCE = "docs/contract-errors.md";

/** A custom error as its NatSpec documents it. */
export interface ContractError {
  contract: string;
  /** With parameter types and names, as declared. */
  declaration: string;
  /** First four bytes of the revert data. */
  selector: string;
  cause: string;
  cure: string;
}

/** Errors of OpenZeppelin's contracts that a caller of ours can meet. */
const INHERITED: [declaration: string, cause: string, cure: string][] = [
  [
    "AccessControlUnauthorizedAccount(address account, bytes32 neededRole)",
    "The sender does not have the role.",
    "send from an account with the role, or have an administrator grant it.",
  ],
  [
    "AccessControlBadConfirmation()",
    "A role was renounced for another account than the sender's.",
    "send from the account that gives up the role.",
  ],
  [
    "ReentrancyGuardReentrantCall()",
    "A token called the ledger back in the middle of a transfer.",
    "none; the token cannot be used.",
  ],
  [
    "SafeERC20FailedOperation(address token)",
    "The token refused a transfer without saying why.",
    "check the payer's balance and allowance, and that the token may be paid to the recipient.",
  ],
  [
    "ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed)",
    "The payer has not approved enough to the ledger.",
    "approve the deposit's amount to the ledger.",
  ],
  [
    "ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)",
    "The payer does not hold the deposit's amount.",
    "deposit less.",
  ],
  [
    "SafeCastOverflowedUintDowncast(uint8 bits, uint256 value)",
    "A number does not fit where it is stored.",
    "give a smaller amount; amounts of cash fit into 128 bits.",
  ],
  ["ECDSAInvalidSignature()", "A reporter's signature is malformed.", "sign again with EIP-712 and a low s."],
  [
    "ECDSAInvalidSignatureS(bytes32 s)",
    "A reporter's signature has a high s.",
    "give the signature with n - s.",
  ],
  [
    "ECDSAInvalidSignatureLength(uint256 length)",
    "A reporter's signature has not 65 bytes.",
    "give the 65 bytes r, s, v.",
  ],
];

/** First four bytes of the hash of an error's signature. Enumerations and contracts count as the types that encode them. */
export function selectorOf(declaration: string): string {
  const [, name, parameters] = /^(\w+)\((.*)\)$/.exec(declaration)!;
  const types = parameters
    .split(",")
    .map((parameter) => parameter.trim().split(" ")[0])
    .map((type) => (/^(Circuit|Tier)$/.test(type) ? "uint8" : /^I[A-Z]/.test(type) ? "address" : type));
  return id(`${name}(${types.join(",")})`).slice(0, 10);
}

/** The errors that a Solidity source declares. */
export function contractErrors(contract: string, source: string): ContractError[] {
  const declared = /((?:^[ ]*\/\/\/.*\n)+)^[ ]*error (\w+)\s*\(([^)]*)\);/gm;
  return [...source.matchAll(declared)].map(([, comment, name, parameters]) => {
    const text = comment.replace(/^[ ]*\/\/\/ ?/gm, "").replace(/\n/g, " ");
    const cause = /@notice (.*?)(?= @dev|$)/.exec(text)?.[1].trim() ?? "";
    const cure = /@dev Cure: (.*)$/.exec(text)?.[1].trim() ?? "";
    const declaration = `${name}(${parameters.trim().replace(/\s+/g, " ")})`;
    return { contract, declaration, selector: selectorOf(declaration), cause, cure };
  });
}

/** The reference as Markdown: one table per contract. */
export function errorReference(): string {
  const sections = projectFiles(/^contracts\/(?!test\/|generated\/).*\.sol$/).flatMap((file) => {
    const contract = basename(file, ".sol");
    const errors = contractErrors(contract, readFileSync(join(ROOT, file), "utf8"));
    return errors.length === 0 ? [] : [section(contract, errors)];
  });
  const inherited = INHERITED.map(([declaration, cause, cure]) => ({
    contract: "OpenZeppelin",
    declaration,
    selector: selectorOf(declaration),
    cause,
    cure,
  }));
  return [
    "# Errors of the contracts",
    "",
    "What each custom error means and what to do about it. Generated from the contracts' NatSpec by `node scripts/contractErrors.ts`.",
    "",
    ...sections,
    section("OpenZeppelin", inherited),
  ].join("\n");
}

function section(contract: string, errors: ContractError[]): string {
  const rows = errors.map(
    ({ declaration, selector, cause, cure }) =>
      `| \`${declaration}\` | \`${selector}\` | ${cause} | ${cure.charAt(0).toUpperCase()}${cure.slice(1)} |`,
  );
  return [`## ${contract}`, "", "| error | selector | cause | cure |", "|---|---|---|---|", ...rows, ""].join(
    "\n",
  );
}

if (process.argv[1] === import.meta.filename) replaceFile(join(ROOT, ERROR_REFERENCE), errorReference());
