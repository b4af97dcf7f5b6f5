/** The v2 jobs on a time line, with hold, release, finish and fail. */

import { admin } from "./api.js";
import { Action, html, timeOfDay, tone, useEffect, useState } from "./view.js";

const WIDTH = 300;
const MIN = 3;

/** Returns the end of a job on the mock's clock; of a held or polled one that runs, now. @param {any} job @param {number} now */
function endOf(job, now) {
  const over = job.status === "COMPLETED" || job.status === "FAILED";
  const planned = job.submitted_at + job.queue_seconds + job.run_seconds;
  return job.held || job.polls ? (over ? Math.min(now, Math.max(planned, job.submitted_at)) : now) : Math.min(planned, now);
}

/** Draws the waiting and the running part of a job between two times. @param {{ job: any, from: number, now: number }} props */
function Bar({ job, from, now }) {
  const scale = WIDTH / Math.max(now - from, 0.001);
  const end = endOf(job, now);
  const begun = job.status === "QUEUED" ? end : Math.min(job.submitted_at + job.queue_seconds, end);
  const start = Math.min((job.submitted_at - from) * scale, WIDTH - 2 * MIN);
  const waited = Math.max((begun - job.submitted_at) * scale, job.status === "QUEUED" ? MIN : 0);
  const ran = job.status === "QUEUED" ? 0 : Math.max((end - begun) * scale, MIN);
  const text = `submitted at ${timeOfDay(job.submitted_at)}, ${job.status}, ${(end - job.submitted_at).toFixed(2)} s so far`;
  return html`<svg class="bar" viewBox=${`0 0 ${WIDTH} 12`} preserveAspectRatio="none" role="img" aria-label=${text}>
    <rect class="track" x="0" y="5" width=${WIDTH} height="2" />
    <rect class="waited" x=${start} y="2" width=${waited} height="8" />
    <rect class=${job.status === "FAILED" ? "failed" : "ran"} x=${start + waited} y="2" width=${ran} height="8" />
  </svg>`;
}

/** @param {{ job: any, from: number, now: number, error: string, session: import("./api.js").Session,
 *   say: (text: string) => void }} props */
function Job({ job, from, now, error, session, say }) {
  const id = job.request_id;
  const act = (/** @type {string} */ path, /** @type {object} */ body) => () => admin(session, "POST", path, body);
  const open = job.status === "QUEUED" || job.status === "PROCESSING";
  return html`<li class="job">
    <p>
      <span class=${tone(job.status)}>${job.status}</span> <b>${job.slug}</b>
      <span class="hint"> ${id}${job.held ? ", held" : ""}${job.polls ? `, ${job.polls} polls` : ""}</span>
    </p>
    <${Bar} job=${job} from=${from} now=${now} />
    ${job.error && html`<p class="hint">${job.error}</p>`}
    ${
      open &&
      html`<div class="row">
        ${job.held && html`<${Action} say=${say} label=${`Release ${id}`} action=${act("jobs/release", { request_id: id })}>Release<//>`}
        <${Action} say=${say} label=${`Finish ${id}`} action=${act("jobs/finish", { request_id: id })}>Finish<//>
        <${Action} say=${say} label=${`Fail ${id}`} action=${act("jobs/fail", { request_id: id, error })}>Fail<//>
      </div>`
    }
  </li>`;
}

/** @param {{ session: import("./api.js").Session, jobs: any[], state: any, skew: number, say: (text: string) => void }} props */
export function Jobs({ session, jobs, state, skew, say }) {
  const [, tick] = useState(0);
  const [error, setError] = useState("Content blocked by the safety check");
  useEffect(() => {
    const timer = setInterval(() => tick((/** @type {number} */ count) => count + 1), 500);
    return () => clearInterval(timer);
  }, []);
  const now = Date.now() / 1000 + skew + (state?.offset ?? 0);
  const from = Math.min(...jobs.map((job) => job.submitted_at), now - 1);
  const held = Boolean(state?.policy?.held);
  const hold = () => admin(session, "POST", "jobs/policy", { policy: held ? null : "held" });
  return html`<section>
    <h2>Jobs</h2>
    <div class="row">
      <${Action} say=${say} action=${hold}>${held ? "Stop holding new jobs" : "Hold new jobs"}<//>
      <${Action} say=${say} disabled=${!jobs.length} action=${() => admin(session, "POST", "jobs/release")}>Release all<//>
      <label>Error of a job that you fail
        <input value=${error} onInput=${(/** @type {any} */ event) => setError(event.target.value)} />
      </label>
    </div>
    <p class="hint">${held ? "New jobs stay queued until you release them." : "New jobs run."} The time line begins with the oldest job and ends now, at ${timeOfDay(now)} on the mock's clock.</p>
    ${
      jobs.length
        ? html`<ol class="jobs">
            ${[...jobs].reverse().map((job) => html`<${Job} key=${job.request_id} job=${job} from=${from} now=${now} error=${error} session=${session} say=${say} />`)}
          </ol>`
        : html`<p>Jobs of this key appear here: send a request to v2.</p>`
    }
  </section>`;
}
