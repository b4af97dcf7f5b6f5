/** Sends a request of a model, and shows its answer: files as files, everything else as text. */

import { gateway, ownOutput } from "./api.js";
import { Code, html, pretty, tone, useEffect, useRef } from "./view.js";

/**
 * @typedef {{ url: string, type: string, name: string, own: boolean }} Output
 * @typedef {{ status: number | string, ms: number, headers: [string, string][], text: string, outputs: Output[],
 *   message: string }} Result
 */

const SHOWN_HEADERS = /^(content-type|x-(cost|remaining-credits|generation-time|seed-value|request-id|mock-.*|rate-.*))$/;
const MAX_TEXT = 200_000;
const MAX_WAIT_MS = 600_000;

/** Returns a file that this page holds. @param {BlobPart} content @param {string} type @param {string} name @returns {Output} */
const held = (content, type, name) => ({
  url: URL.createObjectURL(new Blob([content], { type })),
  type,
  name: `${name}.${type.replace(/[;+].*/, "").split("/")[1] ?? "bin"}`,
  own: true,
});

const isFile = (/** @type {string} */ type) => /^(image|video|audio|model)\//.test(type);

/** Returns the files in the JSON of an answer: those in base64 (v1), or those of a job (v2). @param {any} data @param {string} slug */
function outputsOf(data, slug) {
  /** @type {Output[]} */
  const found = [];
  for (const medium of ["image", "video", "audio", "model3d"]) {
    const format = data?.[`${medium}_format`];
    for (const text of format ? [data[medium]].flat() : []) {
      const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
      found.push(held(bytes, `${medium}/${/^\w+$/.test(format) ? format.replace(/^jpg$/, "jpeg") : "x"}`, slug));
    }
  }
  const listed = [data?.images, data?.video, data?.audio, data?.model3d].flat().filter((one) => one?.url);
  for (const { url, content_type: type, file_name: name } of listed) {
    const own = ownOutput(url);
    found.push({ url: own ?? String(url), type: String(type), name: String(name), own: own !== null });
  }
  return found;
}

/** Returns the text that a document is about: the answer of a chat or a caption. @param {any} data @returns {string} */
function messageOf(data) {
  const text =
    data?.choices?.[0]?.message?.content ??
    data?.content?.[0]?.text ??
    data?.candidates?.[0]?.content?.parts?.[0]?.text ??
    data?.caption;
  return typeof text === "string" ? text : "";
}

const parsed = (/** @type {string} */ text) => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** @param {Response} answer @param {string} slug @param {number} started @returns {Promise<Result>} */
async function read(answer, slug, started) {
  const type = answer.headers.get("content-type") ?? "";
  const blob = await answer.blob();
  const common = {
    status: answer.status,
    ms: performance.now() - started,
    headers: /** @type {[string, string][]} */ ([...answer.headers].filter(([name]) => SHOWN_HEADERS.test(name))),
  };
  if (isFile(type)) {
    return { ...common, text: "", outputs: [held(blob, type, slug)], message: "" };
  }
  const whole = await blob.text();
  const data = parsed(whole);
  const text = pretty(whole).slice(0, MAX_TEXT);
  const message = messageOf(data) || (typeof data?.output === "string" ? messageOf(parsed(data.output)) : "");
  const refused = data?.error ? String(data.error) : "";
  return { ...common, text, outputs: outputsOf(data, slug), message: refused || message };
}

/** Frees the files that a result holds in this page. @param {Result | null} result */
export function release(result) {
  for (const { url } of result?.outputs ?? []) {
    if (url.startsWith("blob:")) {
      URL.revokeObjectURL(url);
    }
  }
}

/**
 * Sends a payload to v1 or v2. A v2 job is polled until it ends; `onResult` receives each step.
 *
 * @param {import("./api.js").Session} session @param {{ slug: string, version: string, body: string, scenario: string }} call
 * @param {(result: Result) => void} onResult @param {AbortSignal} signal
 */
export async function send(session, { slug, version, body, scenario }, onResult, signal) {
  const started = performance.now();
  /** @type {Record<string, string>} */
  const headers = scenario ? { "x-mock-scenario": scenario } : {};
  const answer = await gateway(session, "POST", `${version}/${encodeURIComponent(slug)}`, body, headers);
  let result = await read(answer, slug, started);
  onResult(result);
  const id = version === "v2" && answer.ok ? parsed(result.text)?.request_id : null;
  let wait = 200;
  while (typeof id === "string" && !signal.aborted && performance.now() - started < MAX_WAIT_MS) {
    const poll = await gateway(session, "GET", `v2/requests/${encodeURIComponent(id)}/status`);
    result = await read(poll, slug, started);
    const state = parsed(result.text)?.status;
    onResult({ ...result, status: typeof state === "string" ? state : poll.status });
    if (state === "COMPLETED") {
      const last = await read(await gateway(session, "GET", `v2/requests/${encodeURIComponent(id)}`), slug, started);
      return onResult({ ...last, status: "COMPLETED" });
    }
    if (state !== "QUEUED" && state !== "PROCESSING") {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 1.5, 3000);
  }
}

/** Shows one file. An SVG is only ever an image, in which no script runs. @param {{ output: Output, slug: string }} props */
function Medium({ output, slug }) {
  const { url, type, name, own } = output;
  const label = `Output of ${slug}`;
  const media = !own
    ? html`<p>The output is on another host, from which this page loads nothing: <code>${url}</code></p>`
    : type.startsWith("image/")
      ? html`<img src=${url} alt=${label} />`
      : type.startsWith("video/")
        ? html`<video src=${url} controls aria-label=${label}></video>`
        : type.startsWith("audio/")
          ? html`<audio src=${url} controls aria-label=${label}></audio>`
          : null;
  return html`<figure class="output">
    ${media}
    ${own && html`<figcaption><a href=${url} download=${name}>Download ${name}</a> <span class="hint">${type}</span></figcaption>`}
  </figure>`;
}

/** @param {{ result: Result, slug: string }} props */
export function ResultView({ result, slug }) {
  useEffect(() => () => release(result), [result]);
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => place.current?.scrollIntoView({ block: "nearest" }), [result]);
  const { status, ms, headers, text, outputs, message } = result;
  return html`<section class="result" ref=${place} aria-labelledby="result">
    <h3 id="result">Answer</h3>
    <p role="status"><span class=${tone(status)}>${status}</span> after ${Math.round(ms)} ms</p>
    ${message && html`<p class="message">${message}</p>`}
    ${outputs.map((output) => html`<${Medium} key=${output.url} output=${output} slug=${slug} />`)}
    <details open=${!outputs.length}>
      <summary>Headers and body</summary>
      <${Code} label="Headers of the answer" text=${headers.map(([name, value]) => `${name}: ${value}`).join("\n")} />
      ${text && html`<${Code} label="Body of the answer" text=${text} />`}
    </details>
  </section>`;
}
