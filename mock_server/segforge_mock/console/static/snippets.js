/** Requests as code: curl, Python and TypeScript. The key is read from the environment, and no text becomes code. */

/**
 * @typedef {{ method: string, path: string, route: string, slug: string, body: string, type: string }} Sent
 * `route` and `slug` are those of the history; `type` is the Content-Type.
 */

/** Returns a text as one word of a POSIX shell. */
const shell = (/** @type {string} */ text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Returns a text as a literal that Python and TypeScript read alike. */
const literal = (/** @type {string} */ text) =>
  JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, escaped);

const escaped = (/** @type {string} */ character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** @param {unknown} value @param {string} indent @returns {string} */
function python(value, indent = "") {
  const deeper = `${indent}    `;
  if (value === null) {
    return "None";
  }
  if (typeof value === "boolean") {
    return value ? "True" : "False";
  }
  if (typeof value === "string") {
    return literal(value);
  }
  if (Array.isArray(value)) {
    return value.length ? `[\n${value.map((one) => `${deeper}${python(one, deeper)},\n`).join("")}${indent}]` : "[]";
  }
  if (typeof value === "object") {
    const members = Object.entries(value).map(([name, one]) => `${deeper}${literal(name)}: ${python(one, deeper)},\n`);
    return members.length ? `{\n${members.join("")}${indent}}` : "{}";
  }
  return String(value);
}

/** @param {unknown} value */
const typescript = (value) =>
  JSON.stringify(value, null, 2).replace(/[\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, escaped);

/** Returns the payload of a call of a model, or null if the request is none that the clients can send. */
function payloadOf(/** @type {Sent} */ sent) {
  if (!["run", "submit"].includes(sent.route) || sent.method !== "POST" || !/^application\/json\b/.test(sent.type)) {
    return null;
  }
  try {
    const data = JSON.parse(sent.body);
    const numbers = JSON.stringify(data).match(/-?\d[\d.e+-]*/g)?.length;
    const exact = numbers === sent.body.match(/-?\d[\d.e+-]*/gi)?.length; // a number beyond 2 ** 1024 becomes null
    return data !== null && typeof data === "object" && !Array.isArray(data) && exact ? data : null;
  } catch {
    return null;
  }
}

/** @param {Sent} sent @param {string} origin */
export function curl(sent, origin) {
  const lines = [`curl -X ${shell(sent.method)} ${shell(origin + sent.path)}`, `-H "x-api-key: $SEGMIND_API_KEY"`];
  if (sent.body) {
    lines.push(`-H ${shell(`content-type: ${sent.type}`)}`, `--data-raw ${shell(sent.body)}`);
  }
  return `${lines.join(" \\\n  ")}\n`;
}

/** @param {Sent} sent @param {string} origin */
export function pythonCode(sent, origin) {
  const payload = payloadOf(sent);
  if (payload) {
    const call = sent.route === "run" ? "run_sync" : "run";
    return `from segmind_client import Segmind

client = Segmind(base_url=${literal(origin)})  # reads SEGMIND_API_KEY
payload = ${python(payload)}
result = client.${call}(${literal(sent.slug)}, **payload)
print(result)
`;
  }
  const type = sent.body ? `, "content-type": ${literal(sent.type)}` : "";
  const body = sent.body ? `\n    content=${literal(sent.body)}.encode(),` : "";
  return `import os

import httpx

answer = httpx.request(
    ${literal(sent.method)},
    ${literal(origin + sent.path)},
    headers={"x-api-key": os.environ["SEGMIND_API_KEY"]${type}},${body}
)
print(answer.status_code, answer.text)
`;
}

/** @param {Sent} sent @param {string} origin */
export function typescriptCode(sent, origin) {
  const payload = payloadOf(sent);
  if (payload) {
    const call = sent.route === "run" ? "runSync" : "run";
    return `import { Segmind } from "segmind-client";

const client = new Segmind({ baseUrl: ${literal(origin)} }); // reads SEGMIND_API_KEY
const payload = ${typescript(payload)};
const result = await client.${call}(${literal(sent.slug)}, payload);
console.log(result);
`;
  }
  const type = sent.body ? `, "content-type": ${literal(sent.type)}` : "";
  const body = sent.body ? `\n  body: ${literal(sent.body)},` : "";
  return `const answer = await fetch(${literal(origin + sent.path)}, {
  method: ${literal(sent.method)},
  headers: { "x-api-key": process.env.SEGMIND_API_KEY ?? ""${type} },${body}
});
console.log(answer.status, await answer.text());
`;
}
