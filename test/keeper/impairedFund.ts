import type { HardhatEthers, HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Contract } from "ethers";

/** A fund, bound to a stand-in for its ledger, that has an uncovered deficit of a thousandth of the ledger's cash or less. */
export interface IndebtedFund {
  fund: Contract;
  /** A withdrawal that leaves too little cash: the fund is impaired, and nobody has recorded it. */
  impair(): Promise<void>;
}

export async function indebtedFund(
  ethers: HardhatEthers,
  admin: HardhatEthersSigner,
  cash: Contract,
): Promise<IndebtedFund> {
  const token = await cash.getAddress();
  const verifier = await ethers.deployContract("IdealVerifier", admin);
  const ledger = await ethers.deployContract("LedgerStandIn", [await verifier.getAddress(), token], admin);
  const fund = await ethers.deployContract("InsuranceFund", [admin.address, token, 0n], admin);
  const address = await fund.getAddress();
  await fund.getFunction("bind")(await ledger.getAddress());
  await (cash.connect(admin) as Contract).getFunction("mint")(await ledger.getAddress(), 1_000_000n);
  await ledger.getFunction("payTakeOver")(address, 1_000n, 0n, 1n);
  return {
    fund,
    async impair() {
      await ledger.getFunction("withdraw")(address, admin.address, 1n);
    },
  };
}
