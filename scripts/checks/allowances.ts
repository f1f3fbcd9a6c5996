/** A finding of a tool that judges sources. */
export interface Finding {
  rule: string;
  file: string;
  line: number;
  message: string;
  /** The source line, or what else names the place. */
  source: string;
}

/** Findings that are known to be harmless: of `rule`, in `file`, on lines that contain `source`. */
export interface Allowance {
  rule: string;
  file: string;
  source: string;
  /** How many findings there are of it: 1 unless given. Another one is a fault, and so is one that is gone. */
  times?: number;
  reason: string;
}

/** Findings that nothing allows, allowances of more or fewer findings than there are, and allowances without a reason. */
export function judge(findings: readonly Finding[], allowed: readonly Allowance[], list: string): string[] {
  const covers = (allowance: Allowance, { rule, file, source }: Finding): boolean =>
    rule === allowance.rule && file === allowance.file && source.includes(allowance.source);
  const open = findings.filter((finding) => !allowed.some((allowance) => covers(allowance, finding)));
  return [
    ...open.map(
      ({ rule, file, line, message, source }) => `${file}:${line}: ${rule}: ${message} (${source.trim()})`,
    ),
    ...allowed.flatMap((allowance) => {
      const { rule, file, source, times = 1, reason } = allowance;
      const name = `${list}: ${rule} in ${file} (${source})`;
      const found = findings.filter((finding) => covers(allowance, finding));
      const lines = found.map(({ line }) => line).join(", ");
      const faults: string[] = [];
      if (found.length === 0) faults.push(`${name} allows nothing; remove it`);
      else if (found.length !== times)
        faults.push(`${name} allows ${times}, but there are ${found.length}: lines ${lines}`);
      if (typeof reason !== "string" || reason.trim().length < 20) faults.push(`${name} needs a reason`);
      return faults;
    }),
  ];
}
