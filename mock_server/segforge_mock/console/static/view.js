/** The library that draws the page (see vendor/README.md), and parts that several views use. */

import htm from "./vendor/htm.js";
import { h, render } from "./vendor/preact.js";
import { useEffect, useMemo, useRef, useState } from "./vendor/hooks.js";

export { render, useEffect, useMemo, useRef, useState };

/** Makes elements from a template. Every value in it becomes text or an attribute, never HTML. */
export const html = htm.bind(h);

/** Returns a number of seconds since the epoch as a time of day. */
export const timeOfDay = (/** @type {number} */ seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB");

/** Returns the class of a badge for an HTTP status or the state of a job. */
export function tone(/** @type {number | string} */ status) {
  if (status === "COMPLETED" || (typeof status === "number" && status >= 200 && status < 400)) {
    return "badge good";
  }
  return status === "QUEUED" || status === "PROCESSING" ? "badge busy" : "badge bad";
}

/** Returns JSON text with indentation, and any other text unchanged. */
export function pretty(/** @type {string} */ text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/**
 * Runs the action of a button. While it runs, the button is off; its error is shown.
 *
 * @param {{ action: () => unknown, say: (text: string) => void, class?: string, disabled?: boolean, label?: string,
 *   pressed?: boolean, children?: unknown }} props
 */
export function Action({ action, say, disabled, label, pressed, children, ...others }) {
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      await action();
    } catch (error) {
      say(String(error instanceof Error ? error.message : error));
    } finally {
      setBusy(false);
    }
  };
  return html`<button type="button" class=${others.class} disabled=${disabled || busy} aria-label=${label} aria-pressed=${pressed} onClick=${run}>
    ${children}
  </button>`;
}

/** A text that may be long, in a region that scrolls and takes the focus. @param {{ label: string, text: string }} props */
export const Code = ({ label, text }) => html`<pre class="code" tabindex="0" role="region" aria-label=${label}>${text}</pre>`;
