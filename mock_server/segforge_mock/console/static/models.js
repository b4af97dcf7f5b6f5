/** The models: a list to search, and the facts and the form of one. */

import { admin } from "./api.js";
import { ModelForm } from "./form.js";
import { html, useEffect, useMemo, useState } from "./view.js";

const SHOWN = 60;
/** @type {Record<string, string>} */
const LEVELS = {
  complete: "complete: the whole page of the vendor was read",
  partial: "partial: the model may have more parameters and values",
  listed: "listed: no spec, so any payload is accepted",
};

/** @param {{ model: any }} props */
function Facts({ model }) {
  const cost = model.average_usd === null ? "" : `${model.average_usd} USD on average`;
  const time = model.average_seconds ?? model.typical_seconds;
  const rows = [
    ["Returns", [model.media, model.formats.join(", "), model.shape].filter(Boolean).join(": ")],
    ["Versions", model.versions.join(", ")],
    ["Price", [model.price, cost].filter(Boolean).join("; ")],
    ["Time", time === null ? "" : `${time} s`],
    ["Bodies", model.encodings.join(", ")],
    ["Key", model.bearer ? "x-api-key or Authorization: Bearer" : "x-api-key"],
    ["Known", LEVELS[model.level] ?? model.level],
    ["Source", model.source && `${model.source}, read ${model.reviewed}`],
  ];
  return html`<dl class="facts">
    ${rows.filter(([, text]) => text).map(([name, text]) => html`<div key=${name}><dt>${name}</dt><dd>${text}</dd></div>`)}
  </dl>`;
}

/** @param {{ session: import("./api.js").Session, slug: string, scenarios: string[], say: (text: string) => void,
 *   onSend: () => void }} props */
export function Models({ session, slug, scenarios, say, onSend }) {
  const [list, setList] = useState(/** @type {any[]} */ ([]));
  const [words, setWords] = useState("");
  const [model, setModel] = useState(/** @type {any} */ (null));
  useEffect(() => void admin(session, "GET", "models").then(setList, (error) => say(error.message)), [session.token]);
  useEffect(() => {
    let current = true;
    setModel(null);
    if (slug) {
      const path = `models?slug=${encodeURIComponent(slug)}`;
      admin(session, "GET", path).then(
        (found) => current && setModel(found),
        (error) => current && say(error.message),
      );
    }
    return () => void (current = false);
  }, [slug, session.token]);

  const found = useMemo(() => {
    const wanted = words.toLowerCase().split(/\s+/);
    return list.filter((one) => {
      const text = `${one.slug} ${one.title} ${one.media ?? ""} ${one.spec ? "spec" : ""}`.toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
  }, [list, words]);

  return html`<div class="columns">
    <nav class="list" aria-label="Models">
      <label>Search ${list.length} models
        <input type="search" value=${words} onInput=${(/** @type {any} */ event) => setWords(event.target.value)} />
      </label>
      <ul>
        ${found.slice(0, SHOWN).map(
          (one) => html`<li key=${one.slug}>
            <a href=${`#models/${encodeURIComponent(one.slug)}`} aria-current=${one.slug === slug ? "page" : undefined}>
              <b>${one.slug}</b> <span class="hint">${one.media ?? ""}${one.spec ? "" : ", no spec"}</span>
            </a>
          </li>`,
        )}
      </ul>
      <p class="hint">${found.length > SHOWN ? `${SHOWN} of ${found.length}; search for more` : `${found.length} found`}</p>
    </nav>
    <section class="detail">
      ${
        model
          ? html`<h2>${model.title}</h2>
              <p>${model.description}</p>
              <${Facts} model=${model} />
              <${ModelForm} key=${model.slug} model=${model} session=${session} scenarios=${scenarios} say=${say} onSend=${onSend} />`
          : html`<h2>Models</h2><p>${slug ? "Loading" : "Choose a model to see its facts and to send it a request."}</p>`
      }
    </section>
  </div>`;
}
