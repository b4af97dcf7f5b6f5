/** Requests to the mock: the admin API, the routes of the gateway, and the live stream. */

/** The root of the mock. The page is at `_mock/` below it, also behind a proxy that adds a path. */
const ROOT = new URL("../", document.baseURI);

export const DEFAULT_KEY = "SG_0123456789abcdef";
const STORED = "segforge-console";

/**
 * The key that requests are sent with, the admin token, and the name of the tenant to look at ("": that of the key).
 *
 * @typedef {{ key: string, token: string, watch: string }} Session
 */

/** Returns what this tab remembers until it is closed. @returns {Session} */
export function remembered() {
  try {
    return { key: DEFAULT_KEY, token: "", watch: "", ...JSON.parse(sessionStorage.getItem(STORED) ?? "{}") };
  } catch {
    return { key: DEFAULT_KEY, token: "", watch: "" };
  }
}

/** @param {Session} session */
export function remember(session) {
  try {
    sessionStorage.setItem(STORED, JSON.stringify(session));
  } catch {
    // The browser stores nothing; the session lasts until the page is left.
  }
}

/** An answer that is not a success. */
export class Refused extends Error {
  constructor(/** @type {number} */ status, /** @type {string} */ message) {
    super(message);
    this.status = status;
  }
}

/** @param {Session} session @returns {Record<string, string>} */
function adminHeaders(session) {
  return {
    "content-type": "application/json",
    ...(session.token ? { "x-mock-token": session.token } : {}),
    ...(session.watch ? { "x-mock-watch": session.watch } : session.key ? { "x-api-key": session.key } : {}),
  };
}

/** @param {Response} answer */
async function refusal(answer) {
  const data = await answer.json().catch(() => null);
  return new Refused(answer.status, data?.error ?? `the mock answered ${answer.status} without a reason`);
}

/**
 * Calls the admin API. Throws Refused.
 *
 * @param {Session} session @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>}
 */
export async function admin(session, method, path, body = {}) {
  const sent = method === "GET" ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(new URL(`_mock/${path}`, ROOT), { method, headers: adminHeaders(session), ...sent });
  if (!answer.ok) {
    throw await refusal(answer);
  }
  return answer.json();
}

/**
 * Calls a route of the gateway with the session's key, and returns the answer, whatever its status.
 *
 * @param {Session} session @param {string} method @param {string} path @param {string} [body]
 * @param {Record<string, string>} [headers]
 */
export function gateway(session, method, path, body, headers = {}) {
  const own = { ...(session.key ? { "x-api-key": session.key } : {}), ...headers };
  const sent = body === undefined ? { headers: own } : { headers: { "content-type": "application/json", ...own }, body };
  return fetch(new URL(path, ROOT), { method, ...sent });
}

/** Returns the address of an output on the mock itself, or null for one on another host. */
export function ownOutput(/** @type {unknown} */ text) {
  const found = typeof text === "string" ? /^https?:\/\/[^/?#]+.*?(\/(?:generations|assets)\/[\w.-]+)$/.exec(text) : null;
  return found ? new URL(`.${found[1]}`, ROOT).href : null;
}

/** The start of the gateway's addresses, for samples. */
export const origin = ROOT.href.replace(/\/$/, "");

/**
 * Reads the live stream until it ends. Throws Refused, and an error if the connection is lost.
 *
 * @param {Session} session @param {(name: string, data: any) => void} onEvent @param {AbortSignal} signal
 */
export async function follow(session, onEvent, signal) {
  const answer = await fetch(new URL("_mock/events", ROOT), { headers: adminHeaders(session), signal });
  if (!answer.ok || !answer.body) {
    throw await refusal(answer);
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      return;
    }
    const events = (rest + value).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) {
      const fields = Object.fromEntries(event.split("\n").map((line) => line.split(/: (.*)/s, 2)));
      if (fields.event) {
        onEvent(fields.event, JSON.parse(fields.data));
      }
    }
  }
}
