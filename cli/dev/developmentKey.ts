import { HDNodeWallet, Mnemonic } from "ethers";

/** The published mnemonic of Hardhat's development accounts: keys that everybody knows. */
const MNEMONIC = "test test test test test test test test test test test junk";

/** The accounts' parent, whose derivation stretches the mnemonic; made when first asked for. */
let parent: HDNodeWallet | undefined;

/** Private key of a development account of a local chain, 0x… */
export function developmentKey(index: number): string {
  parent ??= HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), "m/44'/60'/0'/0");
  return parent.deriveChild(index).privateKey;
}
