/** Prints the shape of each syntax tree and the values of its literals, for each set of TypeScript files. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { runInNewContext } from "node:vm";

const ts = createRequire(import.meta.url)(process.env.TYPESCRIPT);
const { sets, names } = JSON.parse(readFileSync(process.env.ASKED, "utf8"));

/** Returns the kinds of all nodes. All texts count as equal and, if names may differ, all names too. */
function shape(node) {
  const kind = ts.SyntaxKind[node.kind];
  if (ts.isStringLiteralLike(node)) {
    return '"text"';
  }
  if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node) || ts.isNumericLiteral(node)) {
    return names ? kind : `${kind} ${node.text}`;
  }
  const children = [];
  node.forEachChild((child) => {
    children.push(shape(child));
  });
  if (names && ts.isArrayLiteralExpression(node) && ts.isNewExpression(node.parent)) {
    children.sort(); // the order of the items of a map depends on names
  }
  return `${kind}(${children.join(",")})`;
}

/** Runs a module alone, with recording replacements for its imports, and returns its exports. */
function run(text) {
  const options = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 };
  const { outputText } = ts.transpileModule(text, { compilerOptions: options });
  const exports = {};
  const model = class { constructor(_client, facts) { this.facts = { ...facts, parameters: facts.check?.({}) }; } };
  const known = { Model: model, violations: (parameters) => parameters, deepViolations: (parameters) => parameters };
  const stub = new Proxy(known, { get: (target, name) => target[name] ?? (() => []) });
  runInNewContext(outputText, { exports, require: () => stub });
  return exports;
}

/** Returns the facts of a parameter by name. */
function named([name, type, flags = 0, minimum, maximum, values]) {
  return { name, type, required: Boolean(flags & 1), minimum, maximum, values };
}

/** Returns the names of an interface's properties with the literals in their types. */
function properties(source) {
  const found = [];
  for (const statement of source.statements.filter(ts.isInterfaceDeclaration)) {
    for (const { name, type, questionToken } of statement.members.filter(ts.isPropertySignature)) {
      const text = ts.isComputedPropertyName(name) ? name.expression.text : name.text;
      const members = ts.isUnionTypeNode(type) ? type.types : [type];
      const literals = members.filter(ts.isLiteralTypeNode).map(({ literal }) => literal);
      const values = literals.filter(ts.isStringLiteral).map((literal) => literal.text);
      found.push({ name: text, optional: Boolean(questionToken), values });
    }
  }
  return found;
}

const answer = sets.map((files) => {
  const shapes = {};
  const models = [];
  let gateway;
  for (const [path, text] of Object.entries(files)) {
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
    const errors = source.parseDiagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, " "));
    const directives = source.commentDirectives?.length ?? 0;
    const pragmas = [...source.pragmas.keys()].filter((name) => name !== "jsx").length;
    const tags = new Set();
    const visit = (node) => {
      ts.getJSDocTags(node).forEach(({ tagName }) => tags.add(tagName.text));
      node.forEachChild(visit);
    };
    visit(source);
    shapes[path] = `${errors} ${directives} ${pragmas} ${[...tags].sort()} ${shape(source)}`;
    if (path.includes("/models/")) {
      const [made] = Object.values(run(text));
      const { facts } = new made({});
      models.push({ ...facts, parameters: facts.parameters.map(named), properties: properties(source) });
    } else if (path.endsWith("/gateway.ts")) {
      gateway = run(text);
    }
  }
  return { shapes, models, gateway };
});
console.log(JSON.stringify(answer, (_name, value) => (typeof value === "bigint" ? `${value}n` : value)));
