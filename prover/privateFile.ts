import { randomBytes } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  constants as fileConstants,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import writeFileAtomic from "write-file-atomic";

/** Writes a file that its owner alone may read; a reader, or a crash, meets the old content or the new one. */
export async function writePrivateFile(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFileAtomic(file, content, { mode: 0o600, encoding: "utf8" });
}

/**
 * As {@link writePrivateFile} for a file that must not be there yet: of several who make it at once one does, and the others' content is
 * nowhere. Returns whether this was the one. Throws what the file system throws.
 */
export function createPrivateFile(file: string, content: string): boolean {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const aside = `${file}.${randomBytes(8).toString("hex")}`;
  try {
    const descriptor = openSync(aside, "wx", 0o600);
    try {
      writeFileSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    place(aside, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Gives a file a second name, unless there is a file of that name; a file system without second names copies it. */
function place(file: string, name: string): void {
  try {
    linkSync(file, name);
  } catch (error) {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes((error as NodeJS.ErrnoException).code ?? ""))
      throw error;
    copyFileSync(file, name, fileConstants.COPYFILE_EXCL);
  }
}
