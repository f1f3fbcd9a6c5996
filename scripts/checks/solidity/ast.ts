/** A node of solc's syntax tree, with whatever its kind has besides. */
export interface Node {
  id: number;
  nodeType: string;
  /** `start:length:file`, in bytes of the file's UTF-8. */
  src: string;
  // biome-ignore lint/suspicious/noExplicitAny: the shape depends on the kind of node
  [property: string]: any;
}

/** Sources that were compiled together. */
export interface Program {
  /** Paths of the sources that are judged; others are there because these import them. */
  judged: string[];
  /** Syntax tree and bytes by path. */
  sources: Map<string, { ast: Node; bytes: Buffer; index: number }>;
  /** Definitions and all other nodes by their number. */
  byId: Map<number, Node>;
  /** The node that a node is a part of. */
  parents: Map<Node, Node>;
  /** The compiler's warnings in judged sources. */
  warnings: { file: string; start: number; code: string; message: string }[];
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node).nodeType === "string";

/** The nodes that a node is made of, in the order of their properties. */
export function children(node: Node): Node[] {
  return Object.values(node).flatMap((value) =>
    Array.isArray(value) ? value.flat().filter(isNode) : isNode(value) ? [value] : [],
  );
}

/** A node and all below it. */
export function* walk(node: Node): Generator<Node> {
  yield node;
  for (const child of children(node)) yield* walk(child);
}

/** All nodes of these kinds below a node, itself included. */
export function find(node: Node, ...kinds: string[]): Node[] {
  return [...walk(node)].filter(({ nodeType }) => kinds.includes(nodeType));
}

/** The nearest node of one of these kinds around a node. */
export function around(program: Program, node: Node, ...kinds: string[]): Node | undefined {
  let at = program.parents.get(node);
  while (at !== undefined && !kinds.includes(at.nodeType)) at = program.parents.get(at);
  return at;
}

/** Where a node stands. */
export function place(
  program: Program,
  node: Node,
): { file: string; line: number; source: string; text: string } {
  const [start, length, index] = node.src.split(":").map(Number) as [number, number, number];
  for (const [file, source] of program.sources) {
    if (source.index !== index) continue;
    const line = source.bytes.subarray(0, start).toString().split("\n").length;
    const text = source.bytes.subarray(start, start + length).toString();
    return { file, line, source: source.bytes.toString().split("\n")[line - 1] as string, text };
  }
  throw new Error(`no source has the index of ${node.src}`);
}

/** Whether a node stands in a judged source. */
export function isJudged(program: Program, node: Node): boolean {
  const index = Number(node.src.slice(node.src.lastIndexOf(":") + 1));
  return program.judged.some((file) => program.sources.get(file)?.index === index);
}

/** Contracts, libraries and interfaces in judged sources. */
export function contracts(program: Program): Node[] {
  return program.judged.flatMap((file) =>
    find((program.sources.get(file) as { ast: Node }).ast, "ContractDefinition"),
  );
}

/** Name of a function as one says it: `Ledger.submit`, `Ledger.constructor`, or a free function's own. */
export function functionName(program: Program, node: Node): string {
  const owner = around(program, node, "ContractDefinition");
  const name = node.name || node.kind || node.nodeType;
  return owner ? `${owner.name}.${name}` : name;
}

/** The declaration that a name, a member or an index expression leads to, through parentheses. */
export function declarationOf(program: Program, expression: Node): Node | undefined {
  if (expression.nodeType === "TupleExpression" && expression.components.length === 1)
    return declarationOf(program, expression.components[0]);
  const id = expression.referencedDeclaration;
  return typeof id === "number" ? program.byId.get(id) : undefined;
}

/** The expression that is called, without `{value: …, gas: …}`. */
export function callee(call: Node): Node {
  const { expression } = call;
  return expression.nodeType === "FunctionCallOptions" ? expression.expression : expression;
}

/** The kind of function type that is called, an external one's with what it may do: `internal`, `external view`, `barecall`, … */
export function callKind(call: Node): string {
  const type = callee(call).typeDescriptions?.typeIdentifier ?? "";
  const [, kind, ability] = /^t_function_([a-z0-9]+?)_(nonpayable|payable|view|pure)/.exec(type) ?? [];
  return kind === "external" ? `external ${ability}` : (kind ?? "");
}
