import { Command } from "commander";
import { Misuse } from "../../protocol/errors.ts";
import { buildRegistry, REGISTRY_PLACES } from "../../protocol/registryTree.ts";
import { withReading } from "../../services/chain/reading.ts";
import {
  formatRegistryList,
  formatRegistryPath,
  type RegistryList,
  readRegistryList,
} from "../../services/chain/registryFile.ts";
import { readText, requireWritable, writeText } from "../../services/files.ts";
import { type AccountOptions, senderOf, withChain } from "../account/session.ts";
import { does, examples, type RunState } from "../command.ts";
import { wholeNumber } from "../marketFlags.ts";
import { type MovedExpiry, registryDifference } from "../registry/difference.ts";
import { type EpochClock, momentOf, parseEntitiesCsv } from "../registry/entitiesCsv.ts";
import { type Posting, planPosting, postRoot } from "../registry/post.ts";

/** `solvus registry`: the compliance officer's list of institutions, of which the contract holds the root. */
export function registryCommand(state: RunState): Command {
  const command = new Command("registry").description(
    "keep the list of admitted institutions and post its root",
  );
  for (const make of [buildCommand, pathCommand, diffCommand, postCommand]) command.addCommand(make(state));
  return command;
}

interface BuildOptions {
  entities: string;
  out: string;
  epoch?: string;
  epochTime?: string;
  epochSeconds: string;
}

/** The clock of the options; undefined when they name none. Misuse (`cli.time`, `cli.integer`). */
function clockOf({ epoch, epochTime, epochSeconds }: BuildOptions): EpochClock | undefined {
  if (epoch === undefined && epochTime === undefined) return undefined;
  const time = epochTime?.includes("T") ? momentOf(epochTime) : undefined;
  if (epoch === undefined || time === undefined)
    throw new Misuse(
      "cli.time",
      `--epoch is ${epoch ?? "absent"} and --epoch-time ${JSON.stringify(epochTime ?? "absent")}, expected an epoch and when it began, such as 2026-11-20T12:00Z`,
    );
  return {
    epoch: BigInt(wholeNumber(epoch, "--epoch")),
    time,
    secondsPerEpoch: wholeNumber(epochSeconds, "--epoch-seconds", 1),
  };
}

function buildCommand(state: RunState): Command {
  const command = new Command("build")
    .summary("a list from a table of institutions in CSV")
    .description(
      `Builds the list of admitted institutions, at most ${REGISTRY_PLACES}, from a CSV file with a column entity (what \`solvus account entity\` prints) and a column expiry: the last epoch of the membership, or its last day or moment in UTC, which needs --epoch and --epoch-time. Other columns are left aside. The order of the rows does not matter.`,
    )
    .requiredOption("--entities <file>", "the institutions, CSV")
    .requiredOption("--out <file>", "the list, whose root the contract is to hold")
    .option("--epoch <number>", "an epoch, from which dates are counted")
    .option("--epoch-time <time>", "when that epoch began, such as 2026-11-20T12:00Z")
    .option("--epoch-seconds <number>", "seconds between epochs", "60")
    .addHelpText(
      "after",
      examples(
        ["expiries in epochs", "solvus registry build --entities institutions.csv --out registry.json"],
        [
          "expiries as dates",
          "solvus registry build --entities institutions.csv --out registry.json --epoch 120000 --epoch-time 2026-11-20T12:00Z",
        ],
      ),
    );
  return does(command, state, async (options: BuildOptions, output) => {
    requireWritable(options.out, "--out");
    const entries = parseEntitiesCsv(readText(options.entities, "--entities"), clockOf(options));
    const list: RegistryList = { ...buildRegistry(entries), entries };
    writeText(options.out, formatRegistryList(list));
    output.result(
      { root: list.root, entities: entries.length, out: options.out },
      `${entries.length} entities, root ${list.root}\nWritten to ${options.out}.`,
    );
  });
}

function pathCommand(state: RunState): Command {
  const command = new Command("path")
    .summary("what one institution needs to show its membership")
    .description(
      "Writes an institution's path in the list: it serves as --registry of the account commands, has no secret in it, and names no other institution. The path is of this list alone; after a change each institution needs a new one.",
    )
    .requiredOption("--registry <file>", "the list")
    .requiredOption("--entity <number>", "the institution, as `solvus account entity` prints it")
    .requiredOption("--out <file>", "the path, for the institution")
    .addHelpText(
      "after",
      examples([
        "for Alder",
        "solvus registry path --registry registry.json --entity 1234… --out alder.path.json",
      ]),
    );
  return does(command, state, async (options: { registry: string; entity: string; out: string }, output) => {
    requireWritable(options.out, "--out");
    if (!/^\d{1,78}$/.test(options.entity))
      throw new Misuse(
        "cli.entity",
        `--entity is ${JSON.stringify(options.entity)}, expected a decimal number`,
      );
    const entity = BigInt(options.entity);
    const list = readRegistryList(options.registry, "--registry");
    const text = formatRegistryPath(list, entity);
    writeText(options.out, text);
    const { expiryEpoch } = list.path(entity);
    output.result(
      { root: list.root, entity, expiryEpoch, out: options.out },
      `Entity ${entity} is a member up to epoch ${expiryEpoch} under root ${list.root}\nWritten to ${options.out}.`,
    );
  });
}

function diffCommand(state: RunState): Command {
  const command = new Command("diff")
    .summary("what a new list changes, and whether it is a removal")
    .description(
      "Compares two lists. When somebody is removed, or a membership ends earlier, the new list must be posted as a removal: proofs under way on the old root are void at once. Otherwise the old root stays valid for five minutes.",
    )
    .requiredOption("--old <file>", "the list in force")
    .requiredOption("--new <file>", "the list to come")
    .addHelpText(
      "after",
      examples(["before posting", "solvus registry diff --old registry.json --new next.json"]),
    );
  return does(command, state, async (options: { old: string; new: string }, output) => {
    const before = readRegistryList(options.old, "--old");
    const after = readRegistryList(options.new, "--new");
    const difference = registryDifference(before.entries, after.entries);
    const { added, removed, extended, shortened, removal } = difference;
    const moves = (word: string, list: MovedExpiry[]): string[] =>
      list.map((move) => `${word} ${move.entity}: epoch ${move.before} to ${move.after}`);
    output.result(
      { oldRoot: before.root, newRoot: after.root, ...difference },
      [
        ...added.map(({ entity, expiryEpoch }) => `added ${entity}, up to epoch ${expiryEpoch}`),
        ...moves("extended", extended),
        ...removed.map(({ entity }) => `removed ${entity}`),
        ...moves("shortened", shortened),
        removal
          ? "A removal: post it as one, so that the old root is void at once."
          : before.root === after.root
            ? "The lists are the same."
            : "An addition: the old root may stay valid for a while.",
      ].join("\n"),
    );
  });
}

interface PostOptions extends Pick<AccountOptions, "rpc" | "deployment" | "keyFile"> {
  registry: string;
  replaces?: string;
  removal?: boolean;
}

/** What becomes of the root before. */
function aftermath({ replaced, removal }: Posting): string {
  if (removal) return "every older root is void";
  return replaced === 0n ? "it is the first" : "the one before stays valid for five minutes";
}

function postCommand(state: RunState): Command {
  const command = withChain(new Command("post"))
    .summary("post a list's root with the officer's key")
    .description(
      "Posts the root of a list. --replaces is the list in force: whether the new one removes anybody follows from comparing the two. --removal posts it as a removal in any case; so a list that went out as an addition by mistake is posted again. A root is never posted twice otherwise.",
    )
    .requiredOption("--registry <file>", "the new list")
    .option("--replaces <file>", "the list in force, unless this is the first")
    .option("--removal", "void the root in force at once")
    .option("--key-file <file>", "file with the officer's private key (default: SOLVUS_SENDER_KEY)")
    .addHelpText(
      "after",
      examples([
        "a new list",
        "solvus registry post --deployment deployment.json --registry next.json --replaces registry.json --key-file officer.key",
      ]),
    );
  return does(command, state, (options: PostOptions, output) =>
    withReading(options, async ({ deployed }) => {
      const next = readRegistryList(options.registry, "--registry");
      const before =
        options.replaces === undefined ? undefined : readRegistryList(options.replaces, "--replaces");
      const officer = senderOf(options, deployed);
      const posting = await planPosting(deployed, next, before, options.removal === true);
      const { hash, gasUsed } = await postRoot(deployed, officer, next, posting);
      output.result(
        { root: next.root, ...posting, transaction: hash, gas: Number(gasUsed) },
        `Root ${next.root} is in force (transaction ${hash}); ${aftermath(posting)}.`,
      );
    }),
  );
}
