import {
  around,
  callee,
  callKind,
  children,
  declarationOf,
  find,
  isJudged,
  type Node,
  type Program,
} from "./ast.ts";

/*
 * The order in which an entry's calls and writes happen, through the functions and modifiers that it uses. Branches are followed separately,
 * loops twice.
 */

/** The external call made so far, if one was; `dead` where execution does not come. */
type State = Node | undefined | "dead";

/** Calls that hand control to others. What cannot write (view, pure, staticcall) is none of them. */
const HANDS_OVER =
  /^(external (nonpayable|payable)|barecall|baredelegatecall|barecallcode|send|transfer|creation)$/;

const join = (one: State, other: State): State => {
  if (one === "dead") return other;
  if (other === "dead") return one;
  return one ?? other;
};

/** Functions that a contract has with those that it inherits, the most derived first. */
export function inherited(program: Program, contract: Node): Node[] {
  return contract.linearizedBaseContracts.map((id: number) => program.byId.get(id) as Node);
}

const signature = (definition: Node): string =>
  `${definition.name}(${definition.parameters.parameters.map(({ typeDescriptions }: Node) => typeDescriptions.typeString).join()})`;

/** The function that runs when a contract calls one by its name, or by `super`. */
function resolved(program: Program, contract: Node, definition: Node, call: Node): Node {
  const owner = around(program, definition, "ContractDefinition");
  if (owner === undefined || owner.contractKind === "library") return definition;
  let bases = inherited(program, contract);
  const { expression } = callee(call);
  if (expression?.name === "super") {
    const here = around(program, call, "ContractDefinition") as Node;
    bases = bases.slice(bases.indexOf(here) + 1);
  } else if (expression !== undefined) return definition; // Base.f(): exactly that one
  for (const base of bases) {
    const own = base.nodes.find(
      (node: Node) =>
        node.nodeType === "FunctionDefinition" && node.body && signature(node) === signature(definition),
    );
    if (own !== undefined) return own;
  }
  return definition;
}

/** Whether assigning to an expression writes to storage. */
export function isStorage(program: Program, target: Node): boolean {
  if (target.nodeType === "TupleExpression")
    return target.components.some((part: Node | null) => part !== null && isStorage(program, part));
  if (target.nodeType === "IndexAccess") return isStorage(program, target.baseExpression);
  if (target.nodeType === "MemberAccess") return isStorage(program, target.expression);
  const declared = declarationOf(program, target);
  if (declared?.nodeType === "VariableDeclaration")
    return declared.stateVariable
      ? declared.mutability === "mutable"
      : declared.storageLocation === "storage";
  return /_storage(_ptr)?$/.test(target.typeDescriptions?.typeIdentifier ?? "");
}

/** A write to storage after control was handed to others. */
export interface LateWrite {
  write: Node;
  call: Node;
}

/** What an entry of a contract does. Calls are named by where judged sources make them, if only through a library. */
export interface Course {
  /** Every write to storage. */
  writes: Set<Node>;
  /** Those in judged sources that come after a call. */
  late: LateWrite[];
  /** Calls in loops. */
  looped: Set<Node>;
  /** Whether an event is emitted. */
  emits: boolean;
}

export function follow(program: Program, contract: Node, entry: Node): Course {
  const writes = new Set<Node>();
  const looped = new Set<Node>();
  let emits = false;
  let loops = 0;
  let site: Node | undefined;
  const late = new Map<Node, LateWrite>();
  const seen = new Map<string, State>();
  const active = new Set<Node>();
  let returned: State = "dead";
  let left: State = "dead";

  const write = (node: Node, state: State): State => {
    if (state === "dead") return state;
    writes.add(node);
    if (state !== undefined && !late.has(node) && isJudged(program, node))
      late.set(node, { write: node, call: state });
    return state;
  };
  /** Control goes to others here. */
  const handOver = (node: Node, state: State): State => {
    if (state === "dead") return state;
    const made = site ?? node;
    if (loops > 0) looped.add(made);
    return made;
  };
  const all = (nodes: readonly (Node | null | undefined)[], state: State): State =>
    nodes.reduce<State>((before, node) => (node ? step(node, before) : before), state);

  /** Runs a function of the program as it is called. */
  const enter = (definition: Node, state: State): State => {
    if (active.has(definition) || !definition.body || state === "dead") return state;
    const key = `${definition.id} ${state === undefined} ${loops > 0}`;
    const known = seen.get(key);
    if (seen.has(key)) return known;
    active.add(definition);
    const outer = returned;
    returned = "dead";
    const modifiers = definition.modifiers.filter(
      ({ modifierName }: Node) =>
        program.byId.get(modifierName.referencedDeclaration)?.nodeType === "ModifierDefinition",
    );
    const layers: Node[] = modifiers.map(({ modifierName }: Node) =>
      program.byId.get(modifierName.referencedDeclaration),
    );
    const layer = (depth: number, before: State): State => {
      if (depth === layers.length) {
        const end = join(step(definition.body, before), returned);
        returned = "dead";
        return end;
      }
      const saved = placeholder;
      placeholder = (at) => layer(depth + 1, at);
      const end = step((layers[depth] as Node).body, all(modifiers[depth].arguments ?? [], before));
      placeholder = saved;
      return end;
    };
    const end = join(layer(0, state), returned);
    returned = outer;
    active.delete(definition);
    seen.set(key, end);
    return end;
  };
  let placeholder: (state: State) => State = (state) => state;

  const call = (node: Node, state: State): State => {
    const before = all([...node.arguments, node.expression], state);
    if (node.kind !== "functionCall") return before;
    const kind = callKind(node);
    if (HANDS_OVER.test(kind)) return handOver(node, before);
    if (kind === "arraypush" || kind === "arraypop") return write(node, before);
    const definition = declarationOf(program, callee(node));
    if (definition?.nodeType !== "FunctionDefinition" || kind.startsWith("external")) return before;
    const runs = resolved(program, contract, definition, node);
    const outer = site;
    if (isJudged(program, runs)) site = undefined;
    else site ??= node;
    const end = enter(runs, before);
    site = outer;
    return end;
  };

  const assembly = (node: Node, state: State): State => {
    let at = state;
    const calls = find(node.AST, "YulFunctionCall").map((inner) => ({
      name: inner.functionName.name as string,
    }));
    const rounds = find(node.AST, "YulForLoop").length > 0 ? 2 : 1;
    for (let round = 0; round < rounds; round++) {
      for (const { name } of calls) {
        if (name === "sstore" || name === "tstore") at = write(node, at);
        if (/^(call|callcode|delegatecall|create|create2)$/.test(name)) at = handOver(node, at);
      }
    }
    return at;
  };

  const loop = (
    init: Node | undefined,
    test: Node | undefined,
    body: Node,
    post: Node | undefined,
    state: State,
  ): State => {
    const outer = left;
    left = "dead";
    let at = all([init, test], state);
    loops++;
    for (let round = 0; round < 2; round++) at = join(at, all([body, post, test], at));
    loops--;
    at = join(at, left);
    left = outer;
    return at;
  };

  function step(node: Node, state: State): State {
    if (state === "dead") return state;
    switch (node.nodeType) {
      case "IfStatement": {
        const tested = step(node.condition, state);
        return join(step(node.trueBody, tested), node.falseBody ? step(node.falseBody, tested) : tested);
      }
      case "Conditional": {
        const tested = step(node.condition, state);
        return join(step(node.trueExpression, tested), step(node.falseExpression, tested));
      }
      case "ForStatement":
        return loop(node.initializationExpression, node.condition, node.body, node.loopExpression, state);
      case "WhileStatement":
      case "DoWhileStatement":
        return loop(undefined, node.condition, node.body, undefined, state);
      case "TryStatement": {
        const called = step(node.externalCall, state);
        return node.clauses.reduce((end: State, { block }: Node) => join(end, step(block, called)), "dead");
      }
      case "Return":
        returned = join(returned, all([node.expression], state));
        return "dead";
      case "Break":
      case "Continue":
        left = join(left, state);
        return "dead";
      case "RevertStatement":
        return "dead";
      case "EmitStatement":
        emits = true;
        return step(node.eventCall, state);
      case "PlaceholderStatement":
        return placeholder(state);
      case "InlineAssembly":
        return assembly(node, state);
      case "Assignment": {
        const before = all([node.rightHandSide, node.leftHandSide], state);
        return isStorage(program, node.leftHandSide) ? write(node, before) : before;
      }
      case "UnaryOperation": {
        const before = step(node.subExpression, state);
        const changes = ["++", "--", "delete"].includes(node.operator);
        return changes && isStorage(program, node.subExpression) ? write(node, before) : before;
      }
      case "BinaryOperation": {
        const first = step(node.leftExpression, state);
        const second = step(node.rightExpression, first);
        return ["&&", "||"].includes(node.operator) ? join(first, second) : second;
      }
      case "FunctionCall":
        return call(node, state);
      default:
        return all(children(node), state);
    }
  }

  enter(entry, undefined);
  return { writes, late: [...late.values()], looped, emits };
}

/** External and public functions of a contract that may change state, the most derived of each, with its constructor left out. */
export function entries(program: Program, contract: Node): Node[] {
  const found = new Map<string, Node>();
  for (const base of inherited(program, contract)) {
    for (const node of base.nodes as Node[]) {
      if (node.nodeType !== "FunctionDefinition" || !node.body || node.kind === "constructor") continue;
      if (!["external", "public"].includes(node.visibility)) continue;
      const key = node.kind === "function" ? signature(node) : node.kind;
      if (!found.has(key)) found.set(key, node);
    }
  }
  return [...found.values()].filter(({ stateMutability }) => !["view", "pure"].includes(stateMutability));
}

/** Names of the modifiers on a function. */
export function modifierNames(definition: Node): string[] {
  return definition.modifiers.map(({ modifierName }: Node) => modifierName.name as string);
}
