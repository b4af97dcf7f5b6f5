/** The console: which tenant one looks at, the views, and the live state that they share. */

import { admin, DEFAULT_KEY, follow as followStream, Refused, remember, remembered } from "./api.js";
import { Controls } from "./controls.js";
import { Jobs } from "./jobs.js";
import { Models } from "./models.js";
import { Requests } from "./requests.js";
import { html, render, useEffect, useState } from "./view.js";

const VIEWS = { models: "Models", requests: "Requests", jobs: "Jobs", controls: "Controls" };
const MAX_ENTRIES = 500;
const RETRY_MS = 1000;
const NOTHING = { state: /** @type {any} */ (null), entries: /** @type {any[]} */ ([]), jobs: /** @type {any[]} */ ([]) };

/** Returns the live state after an event. @param {typeof NOTHING} live @param {string} name @param {any} data */
function after(live, name, data) {
  if (name === "state") {
    const newest = data.newest ?? 0;
    return { ...live, state: data, entries: newest ? live.entries.filter((one) => one.number <= newest) : [] };
  }
  if (name === "requests") {
    const numbers = new Set(data.map((/** @type {any} */ one) => one.number));
    const entries = [...data.reverse(), ...live.entries.filter((one) => !numbers.has(one.number))];
    return { ...live, entries: entries.sort((one, other) => other.number - one.number).slice(0, MAX_ENTRIES) };
  }
  return name === "jobs" ? { ...live, jobs: data } : live;
}

/** Follows the live stream of the session's tenant, and connects again if it ends. */
function useLive(/** @type {import("./api.js").Session} */ session, /** @type {number} */ round) {
  const [live, setLive] = useState(NOTHING);
  const [trouble, setTrouble] = useState(/** @type {Error | null} */ (null));
  useEffect(() => {
    let connection = new AbortController();
    let ended = false;
    const onEvent = (/** @type {string} */ name, /** @type {any} */ data) => {
      setTrouble(null);
      setLive((/** @type {typeof NOTHING} */ before) => after(before, name, data));
    };
    const loop = async () => {
      while (!ended) {
        connection = new AbortController();
        try {
          await followStream(session, onEvent, connection.signal);
        } catch (error) {
          if (!connection.signal.aborted) {
            setTrouble(error instanceof Refused ? error : new Error("The mock does not answer; trying again."));
          }
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        await whenShown();
      }
    };
    // A browser opens six connections to a host. Hidden tabs leave theirs to others.
    const onHide = () => document.hidden && connection.abort();
    document.addEventListener("visibilitychange", onHide);
    setLive(NOTHING);
    void loop();
    return () => {
      ended = true;
      connection.abort();
      document.removeEventListener("visibilitychange", onHide);
    };
  }, [session, round]);
  return { live, trouble };
}

/** Waits until the tab is in front. */
const whenShown = () =>
  new Promise((resolve) => {
    const check = () => {
      if (!document.hidden) {
        document.removeEventListener("visibilitychange", check);
        resolve(null);
      }
    };
    document.addEventListener("visibilitychange", check);
    check();
  });

/** The view and the model that the address names, such as `#models/style-transfer`. */
function useAddress() {
  const read = () => {
    const [view, slug = ""] = location.hash.slice(1).split("/");
    return { view: Object.hasOwn(VIEWS, view ?? "") ? /** @type {string} */ (view) : "models", slug: decoded(slug) };
  };
  const [address, setAddress] = useState(read);
  useEffect(() => {
    const onChange = () => setAddress(read());
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return address;
}

function decoded(/** @type {string} */ text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** Chooses the tenant. @param {{ session: import("./api.js").Session, change: (part: object) => void, say: (text: string) => void }} props */
function Tenants({ session, change, say }) {
  const [tenants, setTenants] = useState(/** @type {any[]} */ ([]));
  const load = () => {
    const found = admin({ ...session, watch: "" }, "GET", "tenants").catch(() => []);
    void found.then(setTenants);
    return found;
  };
  useEffect(() => void load(), [session]);
  useEffect(() => void load().then(follow), []);
  const follow = (/** @type {any[]} */ found) => {
    const [other] = found.filter((one) => !one.own && one.requests);
    if (other && !session.watch && !found.find((one) => one.own)?.requests) {
      change({ watch: other.name });
      say(`This page looks at the key ${other.key}, which sent requests.`);
    }
  };
  const [key, setKey] = useState(session.key);
  const apply = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (/[^\x21-\x7e]/.test(key)) {
      return say("The key: expected visible ASCII characters without spaces.");
    }
    return change({ key, watch: "" });
  };
  const others = tenants.filter((one) => !one.own || one.name === session.watch);
  return html`<div class="row tenant">
    <form class="row" onSubmit=${apply}>
      <label>Key that requests are sent with
        <input value=${key} autocomplete="off" spellcheck="false" placeholder=${DEFAULT_KEY} onInput=${(/** @type {any} */ event) => setKey(event.target.value)} />
      </label>
      <button type="submit">Use</button>
    </form>
    <label>Look at
      <select value=${session.watch} onFocus=${load} onChange=${(/** @type {any} */ event) => change({ watch: event.target.value })}>
        <option value="">this key</option>
        ${others.map(
          (one) => html`<option key=${one.name} value=${one.name} selected=${one.name === session.watch}>
            ${`${one.key} (${one.name.slice(0, 8)}): ${one.requests} requests`}
          </option>`,
        )}
      </select>
    </label>
  </div>`;
}

/** Asks for the admin token. @param {{ change: (part: object) => void }} props */
function Token({ change }) {
  const [token, setToken] = useState("");
  const apply = (/** @type {Event} */ event) => {
    event.preventDefault();
    change({ token });
  };
  return html`<form class="card" onSubmit=${apply}>
    <h2>This mock needs its admin token</h2>
    <label>The value of --admin-token
      <input type="password" autocomplete="off" value=${token} onInput=${(/** @type {any} */ event) => setToken(event.target.value)} />
    </label>
    <p><button class="main" type="submit">Continue</button></p>
  </form>`;
}

function App() {
  const [session, setSession] = useState(remembered);
  const [round, setRound] = useState(0);
  const [message, setMessage] = useState("");
  const [scenarios, setScenarios] = useState(/** @type {Record<string, string>} */ ({}));
  const [skew, setSkew] = useState(0);
  const { view, slug } = useAddress();
  const { live, trouble } = useLive(session, round);
  const change = (/** @type {object} */ part) => {
    const next = { ...session, ...part };
    remember(next);
    setMessage("");
    setSession(next);
  };
  useEffect(() => {
    admin(session, "GET", "scenarios").then(setScenarios, () => {});
    admin(session, "GET", "clock").then(({ now, offset }) => setSkew(now - offset - Date.now() / 1000), () => {});
  }, [session]);
  useEffect(() => {
    if (trouble instanceof Refused && trouble.status === 400 && session.watch) {
      change({ watch: "" }); // the mock has started again, and knows the name no longer
    }
  }, [trouble]);
  useEffect(() => void (document.title = `${VIEWS[/** @type {keyof typeof VIEWS} */ (view)]} – segforge mock`), [view]);

  if (trouble instanceof Refused && trouble.status === 401) {
    return html`<main id="main"><h1>segforge mock</h1><${Token} change=${change} /></main>`;
  }
  const shared = { session, say: setMessage, state: live.state, scenarios };
  const onSend = () => session.watch && change({ watch: "" });
  const counts = /** @type {Record<string, number>} */ ({ requests: live.entries.length, jobs: live.jobs.length });
  return html`<a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header>
      <h1>segforge mock</h1>
      <${Tenants} key=${session.key} session=${session} change=${change} say=${setMessage} />
      <nav aria-label="Views">
        ${Object.entries(VIEWS).map(
          ([name, title]) => html`<a key=${name} href=${`#${name}`} aria-current=${name === view ? "page" : undefined}>
            ${title}${counts[name] ? html` <span class="count">${counts[name]}</span>` : null}
          </a>`,
        )}
        <span class="hint live" role="status">${trouble ? trouble.message : live.state ? "live" : "connecting"}</span>
      </nav>
    </header>
    <main id="main" tabindex="-1">
      <p class="say" role="status">${message}</p>
      ${view === "models" && html`<${Models} ...${shared} slug=${slug} scenarios=${Object.keys(scenarios)} onSend=${onSend} />`}
      ${view === "requests" && html`<${Requests} ...${shared} entries=${live.entries} />`}
      ${view === "jobs" && html`<${Jobs} ...${shared} jobs=${live.jobs} skew=${skew} />`}
      ${view === "controls" && html`<${Controls} ...${shared} onReset=${() => setRound(round + 1)} />`}
    </main>`;
}

/** Moves the focus without a change of the address, which names the view. */
function skip(/** @type {Event} */ event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

render(html`<${App} />`, document.body);
