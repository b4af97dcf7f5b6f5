/** Reads a JSON Schema as the fields of a form, and the texts of the fields as a payload. No drawing here. */

/**
 * One field. `kind` decides the control and how its text is read; `values` are those to choose from.
 *
 * @typedef {{ name: string, kind: "text" | "long" | "number" | "boolean" | "choice" | "open" | "json" | "any",
 *   required: boolean, description: string, facts: string, values: string[], file: boolean, schema: any }} Field
 */

const ENDS = /** @type {const} */ ([
  ["minimum", "at least"],
  ["exclusiveMinimum", "more than"],
  ["maximum", "at most"],
  ["exclusiveMaximum", "less than"],
  ["multipleOf", "a multiple of"],
  ["minLength", "characters: at least"],
  ["maxLength", "characters: at most"],
  ["minItems", "items: at least"],
  ["maxItems", "items: at most"],
]);

/** Returns the text of a value in a field. A text is shown as it is, other values as JSON. */
const shown = (/** @type {unknown} */ value) => (typeof value === "string" ? value : JSON.stringify(value));

/** @param {any} schema @returns {string[]} */
const typesOf = (schema) => [schema.type ?? schema.anyOf?.find((/** @type {any} */ one) => one.type)?.type ?? []].flat();

/** @param {string} name @param {any} schema @param {boolean} required @param {boolean} long @returns {Field} */
function fieldOf(name, schema, required, long) {
  const listed = schema.enum ?? schema.anyOf?.find((/** @type {any} */ one) => one.enum && !one["x-disputed"])?.enum;
  const isUnion = schema.anyOf?.some((/** @type {any} */ one) => one.title);
  const [type] = typesOf(schema).filter((one) => one !== "null");
  const kinds = { integer: "number", number: "number", boolean: "boolean", array: "json", object: "json" };
  const plain = isUnion || !type ? "any" : type === "string" ? (long ? "long" : "text") : /** @type {any} */ (kinds)[type];
  const facts = ENDS.filter(([end]) => schema[end] !== undefined).map(([end, words]) => `${words} ${schema[end]}`);
  return {
    name,
    kind: listed && !isUnion ? (schema.enum ? "choice" : "open") : plain,
    required,
    description: schema.description ?? "",
    facts: ["default" in schema ? `default ${shown(schema.default) || '""'}` : "", ...facts].filter(Boolean).join("; "),
    values: (listed ?? []).filter((/** @type {unknown} */ one) => one !== null).map(shown),
    file: "x-file" in schema || schema.format === "uri",
    schema,
  };
}

/** Returns the fields of a payload: required ones first. @param {any} schema @param {string | null} prompt @returns {Field[]} */
export function fieldsOf(schema, prompt) {
  const required = new Set(schema.required ?? []);
  const fields = Object.entries(schema.properties ?? {}).map(([name, one]) =>
    fieldOf(name, one, required.has(name), name === prompt || /prompt|text|message|instruction/.test(name)),
  );
  return [...fields.filter((one) => one.required), ...fields.filter((one) => !one.required)];
}

/** Returns the texts of the fields for a payload. @param {Field[]} fields @param {any} payload */
export const textsOf = (fields, payload) =>
  Object.fromEntries(fields.filter(({ name }) => Object.hasOwn(payload, name)).map(({ name }) => [name, shown(payload[name])]));

/** Returns the value that the text of a field stands for. Throws SyntaxError for a text that is no JSON. */
function valueOf(/** @type {Field} */ field, /** @type {string} */ text) {
  const isText = typesOf(field.schema).includes("string");
  if (field.kind === "text" || field.kind === "long" || (isText && (field.kind === "choice" || field.kind === "open"))) {
    return text;
  }
  try {
    return JSON.parse(text);
  } catch {
    if (field.kind === "any") {
      return text;
    }
    throw new SyntaxError(`${field.name}: expected ${field.kind === "number" ? "a number" : "JSON"}, found ${text}`);
  }
}

/** Returns the payload as JSON text. A field with an empty text is not sent. @param {Field[]} fields @param {any} texts */
export function payloadOf(fields, texts) {
  const filled = fields.filter(({ name }) => texts[name]);
  return JSON.stringify(Object.fromEntries(filled.map((field) => [field.name, valueOf(field, texts[field.name])])), null, 2);
}
