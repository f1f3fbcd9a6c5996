import { beforeAll, beforeEach, expect, test } from "vitest";
import { deploySolvus } from "../../contracts/deploy.ts";
import { COMMITTEE_KEY, expectRefusal, type LedgerFixture, ledgerFixture } from "../support/ledgerFixture.ts";

let fixture: LedgerFixture;
let nextAsset = 1n;

beforeAll(async () => {
  fixture = await ledgerFixture();
});

beforeEach(async () => {
  await fixture.postSnapshot();
});

/** Deploys a token, gives Alice some with an allowance to the ledger, and lists it. */
async function listed(name: string, unit: bigint, parameters: unknown[] = []) {
  const { ethers, ledger, alice, addresses } = fixture;
  const token = await ethers.deployContract(name, parameters);
  await token.getFunction("mint")(alice.address, 10n ** 24n);
  await fixture.as(alice, token).approve(addresses.ledger, 10n ** 24n);
  const asset = nextAsset++;
  await ledger.listAsset(asset, await token.getAddress(), unit);
  return { token, asset };
}

test("a spot asset is counted in lots of the token's smallest units", async () => {
  const { alice, bob, ledger, addresses } = fixture;
  const lot = 10n ** 16n;
  const { token, asset } = await listed("TestToken", lot, ["Ether", "ETH", 18]);
  const deposit = await fixture.transition({ asset, deposit: 250n }, { payer: alice.address });
  await fixture.as(alice).submit(deposit);
  expect(await token.getFunction("balanceOf")(addresses.ledger)).toBe(250n * lot);
  await ledger.submit(await fixture.transition({ asset, withdrawal: 49n }, { recipient: bob.address }));
  expect(await token.getFunction("balanceOf")(bob.address)).toBe(49n * lot);
});

test("refuses a listing to be changed, a token to back two assets, and cash to be listed again", async () => {
  const { ethers, ledger, addresses } = fixture;
  const { token, asset } = await listed("TestToken", 1n, ["Spot", "SPOT", 8]);
  const other = await (await ethers.deployContract("TestToken", ["Other", "OTH", 8])).getAddress();
  const address = await token.getAddress();
  await expectRefusal(ledger.listAsset(asset, other, 5n), ledger, "AlreadyListed", [asset, other]);
  await expectRefusal(ledger.listAsset(900n, address, 1n), ledger, "AlreadyListed", [900n, address]);
  await expectRefusal(ledger.listAsset(900n, addresses.usdc, 1n), ledger, "AlreadyListed", [
    900n,
    addresses.usdc,
  ]);
  await expectRefusal(ledger.listAsset(0n, other, 1n), ledger, "InvalidAsset", [0n]);
  await expectRefusal(ledger.listAsset(2n ** 32n, other, 1n), ledger, "InvalidAsset", [2n ** 32n]);
});

test("refuses a unit of 0 and a token without code", async () => {
  const { ledger, addresses, carol } = fixture;
  await expectRefusal(ledger.listAsset(901n, addresses.oracle, 0n), ledger, "InvalidListing", [
    addresses.oracle,
    0n,
  ]);
  await expectRefusal(ledger.listAsset(901n, carol.address, 1n), ledger, "InvalidListing", [
    carol.address,
    1n,
  ]);
});

test("refuses a listing by anybody but a lister", async () => {
  const { ledger, carol, addresses } = fixture;
  await expectRefusal(
    fixture.as(carol).listAsset(902n, addresses.oracle, 1n),
    ledger,
    "AccessControlUnauthorizedAccount",
    [carol.address, await ledger.LISTER_ROLE()],
  );
});

test("refuses an asset that is not listed", async () => {
  const { alice, ledger } = fixture;
  const deposit = await fixture.transition({ asset: 999n, deposit: 1n }, { payer: alice.address });
  await expectRefusal(fixture.as(alice).submit(deposit), ledger, "AssetNotListed", [999n]);
  const withdrawal = await fixture.transition({ asset: 999n, withdrawal: 1n }, { recipient: alice.address });
  await expectRefusal(ledger.submit(withdrawal), ledger, "AssetNotListed", [999n]);
});

test("refuses a token that takes a fee on transfers: claims would exceed holdings", async () => {
  const { alice, ledger } = fixture;
  const { asset } = await listed("FeeOnTransferToken", 1n);
  const deposit = await fixture.transition({ asset, deposit: 1000n }, { payer: alice.address });
  await expectRefusal(fixture.as(alice).submit(deposit), ledger, "DepositMismatch", [asset, 1000n, 990n]);
});

test("refuses a token that answers false instead of paying", async () => {
  const { alice, ledger } = fixture;
  const { token, asset } = await listed("SilentToken", 1n);
  const deposit = await fixture.transition({ asset, deposit: 1000n }, { payer: alice.address });
  await expectRefusal(fixture.as(alice).submit(deposit), ledger, "SafeERC20FailedOperation", [
    await token.getAddress(),
  ]);
});

test("refuses every state change from inside a token's transfer", async () => {
  const { alice, ledger, addresses } = fixture;
  const { token, asset } = await listed("ReentrantToken", 1n);
  const inner = await fixture.transition({ asset, deposit: 1n }, { payer: alice.address });
  const [first, second] = await fixture.trade();
  const opening = await fixture.opening();
  const insertion = await fixture.insertion(0n, [1n]);
  const calls = [
    ledger.interface.encodeFunctionData("submit", [inner]),
    ledger.interface.encodeFunctionData("submitTrade", [first, second]),
    ledger.interface.encodeFunctionData("open", opening),
    ledger.interface.encodeFunctionData("insert", insertion),
  ];
  for (const call of calls) {
    await token.getFunction("arm")(addresses.ledger, call);
    const outer = await fixture.transition({ asset, deposit: 10n }, { payer: alice.address });
    await expectRefusal(fixture.as(alice).submit(outer), ledger, "ReentrancyGuardReentrantCall", []);
  }
});

test("refuses a cash token that does not count in millionths", async () => {
  const { ethers, ledger } = fixture;
  const token = await ethers.deployContract("TestToken", ["Dai", "DAI", 18]);
  const cash = await token.getAddress();
  await expectRefusal(
    deploySolvus(ethers, { committeeKey: COMMITTEE_KEY, verifier: "ideal", cash }),
    ledger,
    "CashDecimals",
    [18n],
  );
});
