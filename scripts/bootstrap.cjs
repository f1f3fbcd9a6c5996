"use strict";

/**
 * Installs the dependencies when `node_modules` is missing or older than package-lock.json. Plain JavaScript for Node 18 and later,
 * because it runs before anything is installed, on whatever Node the machine has. Every npm script of this project calls it first
 * (`pretest`, `predemo`, …); what follows it runs on `node_modules/.bin/node`.
 *
 * The installation itself needs Node 22.18 or later: an older npm run leaves out optional native packages whose `engines` exclude
 * the running Node, Hardhat's among them. On an older Node it therefore runs through `npx -p node@24`.
 */
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const ROOT = path.resolve(__dirname, "..");
const MODULES = path.join(ROOT, "node_modules");
const NODE = path.join(MODULES, ".bin", "node");
const WINDOWS = process.platform === "win32";

function atLeast(version, major, minor) {
  const [a, b] = version.replace(/^v/, "").split(".").map(Number);
  return a > major || (a === major && b >= minor);
}

/** The packages of a lock file by their place in the tree; an empty object when there is no such file. */
function lockedPackages(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8")).packages || {};
  } catch {
    return {};
  }
}

/**
 * Whether what is installed is what package-lock.json says, by npm's own record, which it writes at the end of an installation.
 * Optional packages are left out: those for other machines are never installed.
 */
function upToDate() {
  const installed = lockedPackages(path.join(MODULES, ".package-lock.json"));
  return Object.entries(lockedPackages(path.join(ROOT, "package-lock.json"))).every(
    ([place, { version, optional }]) =>
      place === "" || optional || (installed[place] && installed[place].version === version),
  );
}

/** The environment without npm's own variables, which would make a nested npm act on the outer call's settings. */
function cleanEnvironment() {
  const environment = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^npm_/i.test(name) && name !== "INIT_CWD" && name !== "NODE_OPTIONS") environment[name] = value;
  }
  const bin = path.join(MODULES, ".bin");
  environment.PATH = (process.env.PATH || "")
    .split(path.delimiter)
    .filter((entry) => entry !== bin)
    .join(path.delimiter);
  return environment;
}

function run(command, options) {
  const result = spawnSync(command[0], command.slice(1), {
    cwd: ROOT,
    env: cleanEnvironment(),
    shell: WINDOWS,
    ...options,
  });
  return { ok: result.status === 0, output: String(result.stdout || "") };
}

function workingNode() {
  if (!fs.existsSync(NODE)) return false;
  const { ok, output } = run([NODE, "-p", "process.versions.node"], { encoding: "utf8" });
  return ok && atLeast(output.trim(), 22, 18);
}

/** Whether Hardhat's native package for this machine came along; an npm under an old Node leaves it out without a word. */
function nativePackageMissing() {
  const edr = path.join(MODULES, "@nomicfoundation");
  return !fs.existsSync(edr) || !fs.readdirSync(edr).some((name) => name.startsWith("edr-"));
}

function installCommand() {
  const npmCi = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"];
  return atLeast(process.version, 22, 18) ? npmCi : ["npx", "-y", "-p", "node@24", "--", ...npmCi];
}

/**
 * `node_modules/.bin/node` is put there by an install script, and npm may be configured to run none. Then run it here; and where
 * that fails too, a new enough running Node stands in.
 */
function provideNode() {
  if (workingNode()) return;
  run([process.execPath, "installArchSpecificPackage.js"], {
    cwd: path.join(MODULES, "node"),
    stdio: ["ignore", "ignore", "inherit"],
  });
  const shipped = path.join(MODULES, "node", "bin", "node");
  fs.mkdirSync(path.dirname(NODE), { recursive: true });
  if (!fs.existsSync(NODE) && fs.existsSync(shipped)) link(path.join("..", "node", "bin", "node"));
  if (workingNode()) return;
  if (!atLeast(process.version, 22, 18))
    fail(`node_modules/.bin/node does not work, and the running Node ${process.version} is older than 22.18`);
  link(process.execPath);
}

function link(target) {
  fs.rmSync(NODE, { force: true });
  fs.symlinkSync(target, NODE);
}

function fail(message) {
  console.error(`solvus: ${message}`);
  process.exit(1);
}

/** Whether every dependency is installed for this machine. */
function installed() {
  return upToDate() && !nativePackageMissing();
}

function install() {
  const { ok } = run(installCommand(), { stdio: ["ignore", "ignore", "inherit"] });
  if (!ok) fail(`\`${installCommand().join(" ")}\` failed; its messages are above`);
}

function bootstrap() {
  if (!installed()) {
    console.error(
      "solvus: installing dependencies (node_modules is missing or differs from package-lock.json)",
    );
    install();
    // npm says nothing of an optional package whose download failed either; the next installation fetches it.
    if (nativePackageMissing()) install();
    if (nativePackageMissing()) fail("npm left out Hardhat's native package (@nomicfoundation/edr-…)");
  }
  provideNode();
}

module.exports = { bootstrap, installed };
if (require.main === module) bootstrap();
