/** The live list of requests, and one of them with its bodies and as code. */

import { admin, origin } from "./api.js";
import { curl, pythonCode, typescriptCode } from "./snippets.js";
import { Action, Code, html, pretty, timeOfDay, tone, useEffect, useState } from "./view.js";

/** The history keeps this much of a body. */
const MAX_BODY = 16 * 1024;
const SHOWN = 200;
const TEXT = /json|text|xml|form|^$/;

/** Returns the first word of the client's name. Every browser calls itself Mozilla. @param {string | null} name */
const short = (name) => (name?.startsWith("Mozilla/") ? "browser" : name?.split(" ")[0] ?? "");

/** @param {{ title: string, part: { headers: Record<string, string>, body: string } }} props */
function Message({ title, part }) {
  const type = part.headers["content-type"] ?? "";
  const size = part.headers["content-length"] ?? part.body.length;
  const text = !part.body ? "" : TEXT.test(type) ? pretty(part.body) : `${size} bytes of ${type}`;
  const headers = Object.entries(part.headers).map(([name, value]) => `${name}: ${value}`);
  return html`<section>
    <h3>${title}</h3>
    <details><summary>${headers.length} headers</summary><${Code} label=${`Headers: ${title}`} text=${headers.join("\n")} /></details>
    ${text ? html`<${Code} label=${`Body: ${title}`} text=${text} />` : html`<p class="hint">No body.</p>`}
  </section>`;
}

/** @param {{ entry: any, say: (text: string) => void }} props */
function Copies({ entry, say }) {
  const { headers, body } = entry.request;
  const [code, setCode] = useState("");
  const sent = { ...entry, body, type: headers["content-type"] ?? "" };
  if (Number(headers["content-length"] ?? 0) > MAX_BODY || body.length >= MAX_BODY || body.includes("\ufffd")) {
    return html`<p class="hint">The body is too long, or no text, so the request can't be copied as code.</p>`;
  }
  const copy = async (/** @type {(sent: any, origin: string) => string} */ make) => {
    const text = make(sent, origin);
    setCode(text);
    try {
      await navigator.clipboard.writeText(text); // undefined unless the page is on localhost or has https
      say("Copied.");
    } catch {
      say("The browser doesn't allow copying; select the text below.");
    }
  };
  return html`<div class="row" role="group" aria-label="Copy as">
      <${Action} say=${say} action=${() => copy(curl)}>Copy as curl<//>
      <${Action} say=${say} action=${() => copy(pythonCode)}>Copy as Python<//>
      <${Action} say=${say} action=${() => copy(typescriptCode)}>Copy as TypeScript<//>
    </div>
    ${code && html`<${Code} label="The request as code" text=${code} />`}`;
}

/** @param {{ session: import("./api.js").Session, summary: any, say: (text: string) => void }} props */
function Exchange({ session, summary, say }) {
  const [entry, setEntry] = useState(/** @type {any} */ (null));
  useEffect(() => {
    admin(session, "GET", `requests?number=${summary.number}`).then(
      ([found]) => (found ? setEntry(found) : say("The mock no longer keeps this request.")),
      (error) => say(error.message),
    );
  }, [summary]);
  if (!entry) {
    return html`<p>Loading</p>`;
  }
  return html`<h2>${entry.method} ${entry.path}</h2>
    <p>
      <span class=${tone(entry.status)}>${entry.running ? "running" : entry.status || "no answer"}</span>
      ${entry.scenario && html` <span class="badge">${entry.scenario}</span>`}
      <span class="hint"> ${timeOfDay(entry.at)} on the mock's clock</span>
    </p>
    <${Copies} key=${entry.number} entry=${entry} say=${say} />
    <${Message} title="Request" part=${entry.request} />
    <${Message} title="Answer" part=${entry.response} />`;
}

/** @param {{ session: import("./api.js").Session, entries: any[], say: (text: string) => void }} props */
export function Requests({ session, entries, say }) {
  const [words, setWords] = useState("");
  const [number, setNumber] = useState(/** @type {number | null} */ (null));
  const wanted = words.toLowerCase().split(/\s+/);
  const matching = entries.filter((one) => {
    const text = `${one.method} ${one.path} ${one.route} ${one.scenario ?? ""} ${one.status} ${one.client ?? ""}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
  const chosen = entries.find((one) => one.number === number);
  return html`<div class="columns">
    <section class="list" aria-label="Requests">
      <label>Filter ${entries.length} requests
        <input type="search" placeholder="submit 422" value=${words} onInput=${(/** @type {any} */ event) => setWords(event.target.value)} />
      </label>
      <${Action} say=${say} disabled=${!entries.length} action=${() => admin(session, "DELETE", "requests")}>Clear<//>
      <ul>
        ${matching.slice(0, SHOWN).map(
          (one) => html`<li key=${`${one.number} ${one.at}`}>
            <button type="button" class="entry" aria-pressed=${one.number === number} onClick=${() => setNumber(one.number)}>
              <span class=${one.running ? "badge busy" : tone(one.status)}>${one.running ? "…" : one.status || "–"}</span>
              <span class="path">${one.method} ${one.path}</span>
              <span class="hint">${timeOfDay(one.at)} ${one.scenario ?? ""} ${short(one.client)}</span>
            </button>
          </li>`,
        )}
      </ul>
      ${matching.length > SHOWN && html`<p class="hint">The newest ${SHOWN} of ${matching.length}.</p>`}
    </section>
    <section class="detail">
      ${
        chosen
          ? html`<${Exchange} session=${session} summary=${chosen} say=${say} />`
          : html`<h2>Requests</h2><p>${entries.length ? "Choose a request to see its bodies." : "Requests with this key appear here as they arrive."}</p>`
      }
    </section>
  </div>`;
}
