import { HDNodeWallet, Mnemonic } from "ethers";

/** The published mnemonic of Hardhat's development accounts: keys that everybody knows. */
const MNEMONIC = "test test test test test test test test test test test junk";

/** Private key of a development account of a local chain, 0x… */
export function developmentKey(index: number): string {
  return HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), `m/44'/60'/0'/0/${index}`).privateKey;
}
