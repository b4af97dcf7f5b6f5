/** Prints the TypeScript compiler's errors in files of this project, and the exports of the package, as JSON. */

import { createRequire } from "node:module";
import { resolve } from "node:path";

const ts = createRequire(import.meta.url)(process.env.TYPESCRIPT);
const { files, options, surface } = JSON.parse(process.env.ASKED);

// TypeScript's own lib.*.d.ts are not checked again each time; the package's declarations are.
const { options: read, errors } = ts.convertCompilerOptionsFromJson(
  {
    strict: true,
    noEmit: true,
    target: "ES2022",
    module: "NodeNext",
    exactOptionalPropertyTypes: true,
    skipDefaultLibCheck: true,
    ...options,
  },
  process.cwd(),
);
const program = ts.createProgram(files, read);
const found = [...errors, ...ts.getPreEmitDiagnostics(program)].map(({ file, start, messageText }) => ({
  file: file ? file.fileName.split("/").slice(-1)[0] : "",
  line: file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0,
  text: ts.flattenDiagnosticMessageText(messageText, " "),
}));

/** Returns each exported name with its public members, without those inherited from an error's or a result's base. */
function exported() {
  const checker = program.getTypeChecker();
  const index = program.getSourceFile(resolve("node_modules/segmind-client/dist/esm/index.d.ts"));
  const names = {};
  for (const symbol of checker.getExportsOfModule(checker.getSymbolAtLocation(index))) {
    const real = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const members = [];
    for (const [name, member] of real.members ?? []) {
      const declaration = member.declarations[0];
      const hidden = ts.getCombinedModifierFlags(declaration) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected);
      if (ts.isTypeParameterDeclaration(declaration)) {
        continue;
      }
      const internal = ts.getJSDocTags(declaration).some(({ tagName }) => tagName.text === "internal");
      if (!hidden && !internal && !String(name).startsWith("__#") && !ts.isPrivateIdentifier(declaration.name ?? declaration)) {
        members.push(name === "__constructor" ? "constructor" : String(name));
      }
    }
    names[symbol.name] = members.sort();
  }
  return names;
}

console.log(JSON.stringify({ found, names: surface ? exported() : {} }));
