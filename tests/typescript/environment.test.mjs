/** If the gateway can't be reached, the error names the environment variable that may be the cause. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as segmind from "segmind-client";

const { RUNTIME, TLS_URL, FOLDER } = process.env;
const CERTIFICATES = RUNTIME === "deno" ? "DENO_CERT" : "NODE_EXTRA_CA_CERTS";
const MODELS = [
  (options) => new segmind.Segmind(options).credits(),
  (options) => new segmind.FluxImg2img(options).run({ prompt: "a cat" }),
];

/** Returns the detail of the error of a call that can't reach the gateway, with a client and with a model alone. */
async function detailOf(baseUrl, variables) {
  const details = [];
  const before = { ...process.env };
  Object.assign(process.env, variables);
  try {
    for (const call of MODELS) {
      const error = await call({ apiKey: "SG_0123456789abcdef", baseUrl, maxRetries: 0, timeoutMs: 20_000 }).catch((each) => each);
      assert.equal(error.constructor, segmind.ConnectionFailed, error?.stack);
      assert.equal(error.maybeBilled, false, error.detail);
      assert.ok(!error.message.includes("secret"), error.message);
      details.push(error.detail.slice(error.detail.indexOf(";")));
    }
  } finally {
    for (const name of Object.keys(variables)) {
      name in before ? (process.env[name] = before[name]) : delete process.env[name];
    }
  }
  assert.equal(details[0], details[1]);
  return details[0];
}

describe("an error names the variable", () => {
  test("of a proxy that can't be used", async () => {
    for (const [name, value, reason] of [
      ["HTTP_PROXY", "gopher://user:secret@127.0.0.1", "its scheme is gopher"],
      ["http_proxy", "ftp://user:secret@127.0.0.1", "its scheme is ftp"],
      ["HTTP_PROXY", "http://user:secret@", "not the address of a proxy"],
      ["HTTP_PROXY", "http://127.0.0.1:secret", "not the address of a proxy"],
    ]) {
      const detail = await detailOf("http://gateway.invalid", { [name]: value });
      assert.ok(detail.includes(`${name} can't be used (`) && detail.includes(reason), detail);
    }
  });

  test("of a proxy that does not answer, or that the runtime does not use", async () => {
    const HTTP_PROXY = "http://user:secret@127.0.0.1:9";
    const detail = await detailOf("http://gateway.invalid", { HTTP_PROXY });
    assert.ok(detail.includes(RUNTIME === "node" ? "HTTP_PROXY is set, but Node.js uses it only" : "HTTP_PROXY sets a proxy"), detail);
    assert.ok(!(await detailOf("http://gateway.invalid", { HTTP_PROXY, NO_PROXY: "a.test, .invalid" })).includes("PROXY"));
    if (RUNTIME === "node") {
      const used = await detailOf("http://gateway.invalid", { HTTP_PROXY, NODE_USE_ENV_PROXY: "1" });
      assert.ok(used.includes("HTTP_PROXY sets a proxy"), used);
    }
  });

  test("but not for a call that the caller ends", async () => {
    process.env.HTTP_PROXY = "gopher://127.0.0.1";
    const client = new segmind.Segmind({ apiKey: "SG_0123456789abcdef", baseUrl: "http://127.0.0.1:9" });
    const error = await client.credits({ signal: AbortSignal.abort() }).catch((each) => each);
    process.env.HTTP_PROXY = "";
    assert.equal(error.constructor, segmind.RequestAborted);
    assert.ok(!error.detail.includes("PROXY"), error.detail);
  });

  test("of certificates", async () => {
    assert.ok((await detailOf(TLS_URL, {})).includes(`set ${CERTIFICATES}`));
    const unread = await detailOf(TLS_URL, { SSL_CERT_FILE: `${FOLDER}/ca.pem` });
    assert.ok(unread.includes("SSL_CERT_FILE is set, but is not read by default"), unread);
    for (const [file, words] of [
      ["none.pem", "can't be used (ENOENT: "],
      ["not.pem", "can't be used (it is not a certificate: "],
      ["other.pem", "read when the process starts"],
    ]) {
      const detail = await detailOf(TLS_URL, { [CERTIFICATES]: `${FOLDER}/${file}` });
      assert.ok(detail.includes(CERTIFICATES) && detail.includes(words) && detail.includes(file), detail);
    }
  });
});
