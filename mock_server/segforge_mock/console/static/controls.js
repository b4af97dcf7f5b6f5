/** Scenarios and rules, the clock, credits, limits, the profile and the reset of a tenant. */

import { admin } from "./api.js";
import { Action, Code, html, useEffect, useState } from "./view.js";

const ROUTES = ["run", "submit", "status", "result", "poll", "credits"];
const STEPS = /** @type {const} */ ([
  ["10 s", 10],
  ["1 min", 60],
  ["1 h", 3600],
  ["7 days", 604_800],
]);
const LIMITS = /** @type {const} */ ([
  ["No limit", null],
  ["5 a minute", 5],
  ["free", "free"],
  ["pro", "pro"],
  ["business", "business"],
  ["scale", "scale"],
]);
const POLICIES = /** @type {const} */ ([
  ["Own time", null],
  ["Instant", "instant"],
  ["3 polls", "polls=3"],
  ["10 s", "seconds=10"],
  ["Held", "held"],
]);

/** @typedef {{ session: import("./api.js").Session, state: any, say: (text: string) => void }} Props */

/** @param {Props & { scenarios: Record<string, string> }} props */
function Scenarios({ session, state, scenarios, say }) {
  const [scenario, setScenario] = useState("rate-limited");
  const [route, setRoute] = useState("");
  const [times, setTimes] = useState("1");
  const [rules, setRules] = useState(/** @type {any[]} */ ([]));
  const load = () => admin(session, "GET", "rules").then(setRules, (error) => say(error.message));
  useEffect(() => void load(), [session, state?.rules, state?.newest]);
  const play = async () => {
    await admin(session, "POST", "rules", {
      scenario,
      ...(route ? { route } : {}),
      ...(times ? { times: Number(times) } : {}),
    });
    await load();
    say(`The next matching requests meet ${scenario}.`);
  };
  const clear = () => admin(session, "DELETE", "rules").then(load);
  const on = (/** @type {(text: string) => void} */ set) => (/** @type {any} */ event) => set(event.target.value);
  return html`<section class="card">
    <h3>Scenarios</h3>
    <div class="row">
      <label>Scenario
        <select value=${scenario} onChange=${on(setScenario)}>
          ${Object.keys(scenarios).map((one) => html`<option key=${one} value=${one} selected=${one === scenario}>${one}</option>`)}
        </select>
      </label>
      <label>Route
        <select value=${route} onChange=${on(setRoute)}>
          <option value="">all</option>
          ${ROUTES.map((one) => html`<option key=${one} value=${one}>${one}</option>`)}
        </select>
      </label>
      <label>Times (empty: always)
        <input type="number" min="1" value=${times} onInput=${on(setTimes)} />
      </label>
    </div>
    <p class="hint">${scenarios[scenario]}</p>
    <div class="row">
      <${Action} say=${say} class="main" action=${play}>Play<//>
      <${Action} say=${say} disabled=${!rules.length} action=${clear}>Remove all rules<//>
    </div>
    ${rules.length > 0 && html`<${Code} label="Rules" text=${rules.map((one) => JSON.stringify(one)).join("\n")} />`}
  </section>`;
}

/** Buttons of one setting. @param {{ say: (text: string) => void, choices: readonly (readonly [string, any])[],
 *   set: (value: any) => unknown, isOn?: (value: any) => boolean }} props */
const Choices = ({ say, choices, set, isOn }) =>
  html`<div class="row">
    ${choices.map(([name, value]) => html`<${Action} key=${name} say=${say} class=${isOn?.(value) ? "on" : ""} pressed=${isOn?.(value)} action=${() => set(value)}>${name}<//>`)}
  </div>`;

/** A number with a button. @param {{ say: (text: string) => void, label: string, verb: string, set: (value: number) => unknown }} props */
function NumberField({ say, label, verb, set }) {
  const [text, setText] = useState("");
  const apply = () => {
    if (text === "") {
      throw new Error(`${label}: expected a number`);
    }
    return set(Number(text));
  };
  return html`<div class="row">
    <label>${label}<input type="number" min="0" step="any" value=${text} onInput=${(/** @type {any} */ event) => setText(event.target.value)} /></label>
    <${Action} say=${say} action=${apply}>${verb}<//>
  </div>`;
}

/** @param {Props & { scenarios: Record<string, string>, onReset: () => void }} props */
export function Controls({ session, state, scenarios, say, onReset }) {
  const put = (/** @type {string} */ path, /** @type {string} */ name) => (/** @type {any} */ value) =>
    admin(session, "PUT", path, { [name]: value });
  const advance = (/** @type {number} */ seconds) => admin(session, "POST", "clock", { advance: seconds });
  const policy = (/** @type {string | null} */ value) => admin(session, "POST", "jobs/policy", { policy: value });
  const setCredits = put("credits", "credits");
  const reset = async () => {
    await admin(session, "POST", "reset");
    onReset();
    say("The tenant starts again as new.");
  };
  const limit = state?.rate_limit ?? null;
  return html`<section>
    <h2>Controls</h2>
    <div class="cards">
      <${Scenarios} session=${session} state=${state} scenarios=${scenarios} say=${say} />
      <section class="card">
        <h3>Clock</h3>
        <p class="now">${Math.round(state?.offset ?? 0)} s ahead of the real time</p>
        <${Choices} say=${say} choices=${STEPS.map(([name, seconds]) => /** @type {const} */ ([`+ ${name}`, seconds]))} set=${advance} />
        <${NumberField} say=${say} label="Seconds" verb="Move forward" set=${advance} />
      </section>
      <section class="card">
        <h3>Credits</h3>
        <p class="now">${state?.credits ?? "…"} credits</p>
        <${Choices} say=${say} choices=${[["Empty", 0], ["10", 10], ["10,000", 10_000]]} set=${setCredits} />
        <${NumberField} say=${say} label="Credits" verb="Set" set=${setCredits} />
      </section>
      <section class="card">
        <h3>Rate limit</h3>
        <p class="now">${limit === null ? "No limit" : `${limit} requests a minute`}</p>
        <${Choices} say=${say} choices=${LIMITS} set=${put("rate-limit", "per_minute")} isOn=${(/** @type {any} */ value) => value === limit} />
        <${NumberField} say=${say} label="Requests a minute" verb="Set" set=${put("rate-limit", "per_minute")} />
      </section>
      <section class="card">
        <h3>New jobs</h3>
        <p class="now">${state?.policy ? JSON.stringify(state.policy) : "They take their own time."}</p>
        <${Choices} say=${say} choices=${POLICIES} set=${policy} />
      </section>
      <section class="card">
        <h3>Profile</h3>
        <p class="now">${state?.profile ?? "As the mock was started"}</p>
        <${Choices} say=${say} choices=${[["As started", null], ["documented", "documented"], ["observed", "observed"]]} set=${put("profile", "profile")} isOn=${(/** @type {any} */ value) => value === (state?.profile ?? null)} />
      </section>
      <section class="card">
        <h3>Reset</h3>
        <p class="hint">Clears jobs, balance, rules, clock and history of this tenant.</p>
        <${Action} say=${say} class="danger" action=${reset}>Reset<//>
      </section>
    </div>
  </section>`;
}
