/** Runs a batch with a journal. The tests run it in a process of its own, which they kill, and import its function. */

import { Segmind } from "segmind-client";
import { call, gather } from "segmind-client/journal";

export const CALLS = 30;
export const CONCURRENCY = 8;

export function batch(apiKey, baseUrl, journal, folder, options = {}) {
  const client = new Segmind({ apiKey, baseUrl });
  const image = "https://host.test/a.png";
  const calls = Array.from({ length: CALLS }, (_, place) => call(client.fluxIpadapter, { image, prompt: `call ${place}` }));
  return gather(client, calls, { journal, folder, concurrency: CONCURRENCY, ...options });
}

const given = process.argv.slice(2);
if (given.length === 4) {
  await batch(...given);
}
