/** The form of a model, made from its spec, and the request that it sends. */

import { gateway } from "./api.js";
import { fieldsOf, payloadOf, textsOf } from "./fields.js";
import { ResultView, send } from "./results.js";
import { html, useEffect, useMemo, useRef, useState } from "./view.js";

const MAX_FILE = 20 * 2 ** 20;

/** Uploads a file to the mock and returns its URL. @param {import("./api.js").Session} session @param {File} file */
async function upload(session, file) {
  if (file.size > MAX_FILE) {
    throw new Error(`${file.name} has ${file.size} bytes; expected at most ${MAX_FILE}. Enter a URL instead.`);
  }
  const url = await new Promise((resolve, reject) => {
    const reader = Object.assign(new FileReader(), { onload: () => resolve(reader.result), onerror: reject });
    reader.readAsDataURL(file);
  });
  const answer = await gateway(session, "POST", "upload-asset", JSON.stringify({ data_urls: [url] }));
  const data = await answer.json();
  if (!answer.ok) {
    throw new Error(data.error);
  }
  return data.urls[0];
}

/** @param {{ id: string, field: import("./fields.js").Field, text: string, set: (text: string) => void,
 *   session: import("./api.js").Session, say: (text: string) => void }} props */
function Control({ id, field, text, set, session, say }) {
  const { name, kind, values, required, description, facts, schema } = field;
  const shared = {
    id,
    name,
    value: text,
    "aria-required": required,
    "aria-describedby": `${id}-hint`,
    onInput: (/** @type {any} */ event) => set(event.target.value),
  };
  const choices = kind === "boolean" ? ["true", "false"] : values;
  const control =
    kind === "choice" || kind === "boolean"
      ? html`<select ...${shared}>
          <option value="">(not sent)</option>
          ${choices.map((one) => html`<option key=${one} value=${one} selected=${one === text}>${one}</option>`)}
        </select>`
      : kind === "long" || kind === "json"
        ? html`<textarea rows=${kind === "long" ? 2 : 4} ...${shared}></textarea>`
        : html`<input
            type=${kind === "number" ? "number" : "text"}
            step=${schema.type === "integer" ? 1 : "any"}
            list=${kind === "open" ? `${id}-list` : undefined}
            ...${shared}
          />`;
  const choose = async (/** @type {any} */ event) => {
    const [file] = event.target.files;
    try {
      set(file ? await upload(session, file) : text);
    } catch (error) {
      say(String(error instanceof Error ? error.message : error));
    }
  };
  return html`<div class="field">
    <label for=${id}>${name}${required && html` <span class="required">required</span>`}</label>
    ${control}
    ${kind === "open" && html`<datalist id=${`${id}-list`}>${values.map((one) => html`<option key=${one} value=${one}></option>`)}</datalist>`}
    ${field.file && html`<input type="file" aria-label=${`Upload a file for ${name}`} onChange=${choose} />`}
    <p class="hint" id=${`${id}-hint`}>${description} ${facts && `(${facts})`}</p>
  </div>`;
}

/** @param {{ model: any, session: import("./api.js").Session, scenarios: string[], say: (text: string) => void,
 *   onSend: () => void }} props */
export function ModelForm({ model, session, scenarios, say, onSend }) {
  const fields = useMemo(() => fieldsOf(model.schema, model.prompt), [model]);
  const [texts, setTexts] = useState(() => textsOf(fields, model.example));
  const [json, setJson] = useState(fields.length ? null : JSON.stringify({ prompt: "A fox" }, null, 2));
  const [version, setVersion] = useState(model.versions[0]);
  const [scenario, setScenario] = useState("");
  const [result, setResult] = useState(/** @type {import("./results.js").Result | null} */ (null));
  const [busy, setBusy] = useState(false);
  const running = useRef(/** @type {AbortController | null} */ (null));
  useEffect(() => () => running.current?.abort(), []);

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    running.current?.abort();
    const own = (running.current = new AbortController());
    setBusy(true);
    try {
      const body = json ?? payloadOf(fields, texts);
      onSend();
      const show = (/** @type {import("./results.js").Result} */ next) => own.signal.aborted || setResult(next);
      await send(session, { slug: model.slug, version, body, scenario }, show, own.signal);
    } catch (error) {
      setResult(null);
      say(error instanceof TypeError ? "The connection was closed without an answer." : String(error));
    } finally {
      if (running.current === own) {
        setBusy(false);
      }
    }
  };
  const swap = () => {
    try {
      if (json === null) {
        setJson(payloadOf(fields, texts));
      } else {
        setTexts(textsOf(fields, JSON.parse(json)));
        setJson(null);
      }
    } catch (error) {
      say(String(error));
    }
  };

  return html`<form class="form" aria-label=${`Request to ${model.slug}`} onSubmit=${submit} novalidate>
      <h3>Send a request</h3>
      <div class="row">
        <label>Version
          <select value=${version} onChange=${(/** @type {any} */ event) => setVersion(event.target.value)}>
            ${model.versions.map((/** @type {string} */ one) => html`<option key=${one} value=${one}>${one === "v1" ? "v1: waits for the output" : "v2: queues a job"}</option>`)}
          </select>
        </label>
        <label>Scenario
          <select value=${scenario} onChange=${(/** @type {any} */ event) => setScenario(event.target.value)}>
            <option value="">none</option>
            ${scenarios.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}
          </select>
        </label>
        ${fields.length > 0 && html`<button type="button" onClick=${swap}>${json === null ? "Edit as JSON" : "Edit as form"}</button>`}
      </div>
      ${
        json === null
          ? fields.map(
              (field, index) => html`<${Control}
                key=${field.name}
                id=${`field-${index}`}
                field=${field}
                text=${texts[field.name] ?? ""}
                set=${(/** @type {string} */ text) => setTexts((/** @type {any} */ all) => ({ ...all, [field.name]: text }))}
                session=${session}
                say=${say}
              />`,
            )
          : html`<div class="field">
              <label for="payload">Payload as JSON</label>
              <textarea id="payload" rows="14" spellcheck="false" value=${json} onInput=${(/** @type {any} */ event) => setJson(event.target.value)}></textarea>
            </div>`
      }
      <p><button class="main" type="submit">Send ${busy ? "again" : ""}</button></p>
    </form>
    ${result && html`<${ResultView} result=${result} slug=${model.slug} />`}`;
}
