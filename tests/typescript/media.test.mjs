/** Models of every medium, with nested parameters and files of every kind. The gateway is a function. */

import assert from "node:assert/strict";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";

const segmind = await import(pathToFileURL(join(process.env.PACKAGE, "index.js")));

/** A gateway that returns these answers in turn, and the requests that it received. */
function gateway(...answers) {
  const seen = [];
  const fetch = async (url, init = {}) => {
    seen.push({ url: String(url), ...init });
    const answer = answers.shift() ?? { body: PNG, type: "image/png" };
    const body = "json" in answer ? JSON.stringify(answer.json) : answer.body;
    const type = answer.type ?? "application/json";
    return new Response(body, { status: answer.status ?? 200, headers: { "content-type": type, "x-request-id": "r9" } });
  };
  const clock = { now: () => 0, sleep: async () => {} };
  return { client: new segmind.Segmind({ apiKey: "SG_0123456789abcdef", baseUrl: "http://gateway.test", fetch, clock }), seen };
}

/** The answers of a job whose record has these fields. */
function job(fields) {
  return [{ json: { request_id: "r1", status: "QUEUED" } }, { json: { status: "COMPLETED" } }, { json: { status: "COMPLETED", ...fields } }];
}

const bytesOf = (...parts) => Uint8Array.from(Buffer.concat(parts.map((part) => Buffer.from(part))));
const MP4 = bytesOf([0, 0, 0, 24], "ftypisom....");
const MP3 = bytesOf("ID3", [4, 0, 0, 0, 0, 0, 0, 1]);
const GLB = bytesOf("glTF", [2, 0, 0, 0, 12, 0, 0, 0]);
const PNG = bytesOf([0x89], "PNG", [13, 10, 26, 10, 0, 0, 0, 13]);
const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const REQUIRED = { referenceImages: [], extra: 1, box: { ["__proto__"]: 1 } };

describe("files", () => {
  const files = [
    ["anyVideo", "VideoResult", "video", MP4, "video/mp4", { video: "https://a.test/x.mp4" }],
    ["anyAudio", "AudioResult", "audio", MP3, "audio/mpeg", { voice: "https://a.test/x.mp3" }],
    ["anyModel3d", "Model3dResult", "model3d", GLB, "model/gltf-binary", { mesh: "https://a.test/x.glb" }],
  ];
  for (const [name, kind, key, content, type, params] of files) {
    test(`v1 returns a ${kind}`, async () => {
      const { client } = gateway({ body: content, type });
      const result = await client[name].run(params);
      assert.equal(result.constructor, segmind[kind]);
      assert.deepEqual([result.content, result.raw, result.files], [content, content, [content]]);
      assert.deepEqual([result.contentType, result.requestId, result.blob().type], [type, "r9", type]);
      const path = join(await mkdtemp(join(tmpdir(), "segmind-")), "output");
      await result.save(path);
      assert.deepEqual(bytesOf(await readFile(path)), content);
    });

    test(`base64 in JSON becomes a ${kind}, and other JSON is an error that holds it`, async () => {
      const { client } = gateway(
        { json: { [key]: base64(content) } },
        { json: { [key]: [base64(content), `data:${type};base64,${base64(content)}`] } },
      );
      assert.deepEqual((await client[name].run(params)).content, content);
      assert.deepEqual((await client[name].run(params)).files, [content, content]);
      for (const odd of [{ [key]: "%%%" }, { [key]: { url: "https://files.test/1" } }, {}, [], null]) {
        await assert.rejects(gateway({ json: odd }).client[name].run(params), { name: "UnexpectedOutput", requestId: "r9", body: odd ?? "null" });
      }
    });

    test(`a job without a ${kind}, or with another download, is an error`, async () => {
      for (const output of [null, "", { odd: 1 }, "https://a.test/ says hi", [{ url: 5 }]]) {
        const { client } = gateway(...job({ output, metrics: { cost: 0.5 } }));
        const found = { name: "UnexpectedOutput", requestId: "r1", cost: 0.5, body: { status: "COMPLETED", output, metrics: { cost: 0.5 } } };
        await assert.rejects((await client[name].submit(params)).download(), found);
      }
      for (const [body, kind] of [["<html>", "text/html"], ['{"error": "gone"}', "application/octet-stream"], ["", type]]) {
        const { client } = gateway(...job({ output: "https://files.test/1", metrics: { cost: 0.5 } }), { body, type: kind });
        await assert.rejects((await client[name].submit(params)).download(), { name: "UnexpectedOutput", requestId: "r1", cost: 0.5 });
      }
    });

    test(`a job resumed with its class returns a ${kind}`, async () => {
      const { client } = gateway(...job({ [key]: { url: "https://files.test/1" } }).slice(1), { body: content, type });
      const result = await client.jobs.resume("r1", segmind[kind]).output();
      assert.deepEqual([result.constructor, result.content, result.requestId], [segmind[kind], content, "r1"]);
    });

    for (const [how, fields] of Object.entries({
      "an output": { output: "https://files.test/1" },
      "a file": { [key]: { url: "https://files.test/1", content_type: type } },
      "a file's URL": { [key]: "https://files.test/1" },
      "an object": { output: { url: "https://files.test/1" } },
      "a list": { output: [{ url: "https://files.test/1" }] },
      both: { output: "https://files.test/1", [key]: [{ url: "https://files.test/1" }] },
    })) {
      test(`v2 downloads a ${kind} from ${how}, without the key`, async () => {
        const { client, seen } = gateway(...job(fields), { body: content, type });
        const result = await (await client[name].submit(params)).output();
        assert.deepEqual([result.constructor, result.content], [segmind[kind], content]);
        assert.equal(seen.length, 4);
        assert.deepEqual([seen[3].url, seen[3].headers], ["https://files.test/1", undefined]);
      });
    }
  }

  test("a glTF document is a 3D model", async () => {
    const json = { asset: { version: "2.0" } };
    for (const type of ["model/gltf+json", "application/json", "application/octet-stream"]) {
      const result = await gateway({ json, type }).client.anyModel3d.run({ mesh: "https://a.test/x.glb" });
      assert.deepEqual([JSON.parse(Buffer.from(result.content)), result.contentType], [json, type]);
    }
  });
});

describe("documents", () => {
  const chats = {
    anyOpenaiChat: { choices: [{ message: { role: "assistant", content: "Hi" } }] },
    anyAnthropicChat: { content: [{ type: "thinking", thinking: "no" }, { type: "text", text: "H" }, { type: "text", text: "i" }] },
    anyGeminiContent: { candidates: [{ content: { parts: [{ text: "no", thought: true }, { text: "Hi" }] } }] },
  };
  const params = { messages: [{ role: "user", content: "Hello" }] };
  for (const [name, body] of Object.entries(chats)) {
    test(`${name} has the text of its dialect`, async () => {
      const { client } = gateway({ json: body }, ...job({ output: JSON.stringify(body) }), ...job({ output: body }));
      const result = await client[name].run(params);
      assert.equal(result.constructor, segmind.ChatResult);
      assert.deepEqual([result.text, result.data], ["Hi", body]);
      for (const _form of ["text", "object"]) {
        assert.equal((await (await client[name].submit(params)).output()).text, "Hi");
      }
    });
  }

  const cut = JSON.stringify(chats.anyOpenaiChat).slice(0, -9);
  for (const body of [cut, "{", '{"', ' {\n "choices"']) {
    test(`a document that is cut off is an error that holds it: ${body}`, async () => {
      for (const name of ["anyOpenaiChat", "anyCaption", "anyEmbedding"]) {
        for (const type of ["application/json", "text/plain", "application/octet-stream"]) {
          await assert.rejects(gateway({ body, type }).client[name].run(params), { name: "UnexpectedOutput", body, requestId: "r9", maybeBilled: true });
        }
        const { client } = gateway(...job({ output: body, metrics: { cost: 0.5 } }));
        const found = { name: "UnexpectedOutput", body, requestId: "r1", cost: 0.5, maybeBilled: true };
        await assert.rejects((await client[name].submit(params)).output(), found);
      }
    });
  }

  test("a text that only begins like JSON is a text", async () => {
    for (const body of ["{smile} Hello", "[1] says", '{"a" is a set']) {
      const { client } = gateway({ body, type: "text/plain" }, ...job({ output: body }));
      assert.equal((await client.anyText.run({ prompt: "a" })).text, body);
      assert.equal((await (await client.anyText.submit({ prompt: "a" })).output()).text, body);
    }
    assert.equal((await gateway({ body: "{smile} Hello", type: "text/plain" }).client.anyOpenaiChat.run(params)).text, "{smile} Hello");
  });

  test("a document that is missing is an error", async () => {
    for (const fields of [{}, { output: null }]) {
      const { client } = gateway(...job(fields));
      await assert.rejects((await client.anyText.submit({ prompt: "a" })).output(), { name: "UnexpectedOutput", requestId: "r1" });
    }
  });

  test("a text is read as it is, and an address in it is not downloaded", async () => {
    const { client, seen } = gateway({ body: "Hi", type: "text/plain" }, ...job({ output: "https://a.test/ says hi" }), ...job({ output: "42" }));
    assert.equal((await client.anyOpenaiChat.run(params)).text, "Hi");
    assert.equal((await (await client.anyText.submit({ prompt: "a" })).output()).text, "https://a.test/ says hi");
    assert.equal((await (await client.anyText.submit({ prompt: "a" })).output()).text, "42");
    assert.ok(seen.every(({ url }) => url.startsWith("http://gateway.test/")));
  });

  test("an embedding is a list of numbers", async () => {
    const found = [{ data: [{ embedding: [1, 0.5] }, { embedding: [2] }] }, { embedding: [1, 0.5] }, [1, 0.5], { embedding: { values: [1, 0.5] } }];
    for (const json of found) {
      const { client } = gateway({ json }, ...job({ output: JSON.stringify(json) }));
      const result = await client.anyEmbedding.run(params);
      assert.deepEqual([result.constructor, result.embedding], [segmind.EmbeddingResult, [1, 0.5]]);
      assert.deepEqual((await (await client.anyEmbedding.submit(params)).output()).embedding, [1, 0.5]);
    }
  });

  test("a caption is a text", async () => {
    for (const json of [{ caption: "A cat" }, { text: "A cat" }, { descriptions: [{ text: "A cat" }] }, "A cat", [{ description: "A cat" }]]) {
      assert.equal((await gateway({ json }).client.anyCaption.run(params)).text, "A cat");
    }
  });

  for (const json of [{ odd: 1 }, { choices: [] }, { data: [] }, [], null, 1]) {
    test(`an answer of another shape is kept: ${JSON.stringify(json)}`, async () => {
      const { client } = gateway(...Array.from({ length: 4 }, () => ({ json })));
      for (const [name, read] of [["anyOpenaiChat", "text"], ["anyCaption", "text"], ["anyEmbedding", "embedding"]]) {
        const result = await client[name].run(params);
        assert.throws(() => result[read], (error) => error instanceof segmind.UnexpectedOutput && error.maybeBilled && error.requestId === "r9");
        assert.deepEqual([result.data, JSON.parse(Buffer.from(result.content))], [json, json]);
      }
      assert.equal((await client.anyText.run({ prompt: "a" })).text, JSON.stringify(json));
    });
  }
});

describe("routes", () => {
  test("a model is called at the paths that its page prints, with the key", async () => {
    const { client, seen } = gateway({ body: MP4, type: "video/mp4" }, { json: { request_id: "r1" } });
    await client.anyVideo.run({ video: "https://a.test/x.mp4" });
    await client.anyVideo.submit({ video: "https://a.test/x.mp4" });
    assert.deepEqual(seen.map(({ url }) => url), ["http://gateway.test/v1/models/any-video", "http://gateway.test/v2/models/any-video"]);
    assert.ok(seen.every(({ headers }) => headers["x-api-key"] === "SG_0123456789abcdef" && !("authorization" in headers)));
  });
});

/** Returns the body that a call sends. */
async function sent(name, params) {
  const { client, seen } = gateway();
  await client[name].run(params);
  return seen[0];
}
const sentJson = async (name, params) => JSON.parse((await sent(name, params)).body);

describe("input files", () => {
  test("a file becomes a part of a form, beside the other parameters", async () => {
    const first = new File([PNG], 'a"\r\n.png', { type: "image/png" });
    const params = { video: MP4, first, strength: 0.5, tags: ["é", "b"], 'odd"\nname': "x\r\ny", link: new URL("https://a.test/"), none: undefined };
    const { headers, body } = await sent("anyVideo", params);
    const form = await new Response(body, { headers }).formData();
    assert.equal(headers["content-type"].split(";")[0], "multipart/form-data");
    assert.deepEqual([...form.keys()].slice(0, 4), ["video", "first", "strength", "tags"]);
    assert.deepEqual(bytesOf(await form.get("video").arrayBuffer()), MP4);
    assert.deepEqual([form.get("video").type, form.get("first").type], ["video/mp4", "image/png"]);
    assert.deepEqual([form.get("strength"), form.get("tags"), form.get("link")], ["0.5", '["é","b"]', "https://a.test/"]);
    assert.equal([...form.keys()].length, 6);
    assert.ok([...form.values()].includes("x\r\ny"));
  });

  test("without a file, a form is not needed", async () => {
    const { headers, body } = await sent("anyVideo", { video: new URL("https://a.test/x.mp4") });
    assert.deepEqual([headers["content-type"], JSON.parse(body)], ["application/json", { video: "https://a.test/x.mp4" }]);
  });

  test("a file is sent in the form that the page states, at any depth", async () => {
    const params = { voice: MP3, source: PNG, any: bytesOf("hello"), clips: [{ sound: new Blob([MP3]) }, { sound: "https://a.test/" }] };
    assert.deepEqual(await sentJson("anyAudio", params), {
      voice: `data:audio/mpeg;base64,${base64(MP3)}`,
      source: base64(PNG),
      any: `data:application/octet-stream;base64,${base64(bytesOf("hello"))}`,
      clips: [{ sound: base64(MP3) }, { sound: "https://a.test/" }],
    });
    assert.equal((await sentJson("anyModel3d", { mesh: GLB })).mesh, `data:model/gltf-binary;base64,${base64(GLB)}`);
    assert.equal((await sentJson("anyParts", { ...REQUIRED, image: PNG })).image, base64(PNG));
  });

  test("an image within an array or an object becomes a data URL", async () => {
    const params = { ...REQUIRED, image_urls: [PNG, "https://a.test/"], referenceImages: [{ uri: new Blob([PNG]), tag: "abc" }] };
    const { image_urls, referenceImages } = await sentJson("anyParts", params);
    assert.deepEqual(image_urls, [`data:image/png;base64,${base64(PNG)}`, "https://a.test/"]);
    assert.deepEqual(referenceImages, [{ uri: image_urls[0], tag: "abc" }]);
  });

  const { client } = gateway();
  for (const [what, params] of Object.entries({
    "a file that must be a URL": { voice: "x", link: PNG },
    "an image as a sound": { voice: PNG },
    "an empty sound": { voice: new Uint8Array() },
    "an empty file of any kind": { voice: "x", any: new Blob([]) },
  })) {
    test(`${what} is rejected before anything is sent`, async () => {
      await assert.rejects(client.anyAudio.run(params), TypeError);
    });
  }

  test("an error about a file or a number names its place", async () => {
    const wrong = [
      ["anyParts", { ...REQUIRED, image_urls: [PNG, new Uint8Array()] }, "image_urls[1] is empty"],
      ["anyParts", { ...REQUIRED, referenceImages: [{ uri: PNG }, { uri: bytesOf("odd") }] }, "referenceImages[1].uri is not an image"],
      ["anyParts", { ...REQUIRED, grid: [[1, NaN]] }, "grid[0][1] is NaN"],
      ["anyAudio", { voice: MP3, clips: [{ sound: MP3 }, { sound: PNG }] }, "clips[1].sound is not of kind audio"],
    ];
    for (const [name, params, message] of wrong) {
      await assert.rejects(client[name].run(params), (error) => error.message.includes(message));
    }
  });

  test("a Blob that has a type is sent with it", async () => {
    const { voice } = await sentJson("anyAudio", { voice: new Blob(["x"], { type: "audio/odd" }) });
    assert.equal(voice, "data:audio/odd;base64,eA==");
  });
});

describe("nested values", () => {
  test("large integers are sent exactly, and others that JSON would change are rejected", async () => {
    const { body } = await sent("anyParts", { ...REQUIRED, seeds: [18446744073709551615n, 1], grid: [[2 ** 53 - 1]] });
    assert.match(body, /"seeds":\[18446744073709551615,1\]/);
    assert.match(body, /"grid":\[\[9007199254740991\]\]/);
    for (const wrong of [2 ** 53, NaN, -Infinity]) {
      await assert.rejects(sent("anyParts", { ...REQUIRED, grid: [[wrong]] }), segmind.CannotSend);
    }
  });

  test("names and values are sent as JSON.stringify sends them", async () => {
    const extra = { toJSON: "a", "": 1, ["__proto__"]: { constructor: null }, list: [undefined, null, , "é\ud800"], when: new Date(0), no: undefined };
    const params = { ...REQUIRED, extra };
    assert.equal((await sent("anyParts", params)).body, JSON.stringify(params));
  });

  test("a value within itself is rejected, and one that occurs twice is not", async () => {
    const inner = [];
    inner.push([inner, inner]);
    await assert.rejects(sent("anyParts", { ...REQUIRED, extra: inner }), segmind.CannotSend);
    const twice = { a: 1 };
    assert.deepEqual((await sentJson("anyParts", { ...REQUIRED, extra: [twice, twice] })).extra, [twice, twice]);
  });

  test("a partial model sends unknown parameters, files included", async () => {
    assert.deepEqual(await sentJson("anyPartial", { unknown: { deep: [PNG] } }), { unknown: { deep: [`data:image/png;base64,${base64(PNG)}`] } });
  });

  test("a check names the place of a nested value", async () => {
    const { client } = gateway();
    const found = client.anyParts.check({ ...REQUIRED, referenceImages: [{ tag: "abc", uri: PNG }, { tag: "a" }, { tag: 1 }, {}, new Blob([])] });
    assert.deepEqual(
      found.map(({ rule, parameter }) => `${parameter} ${rule}`),
      [
        "referenceImages[1].tag range.too_short",
        "referenceImages[2].tag type.integer_for_string",
        "referenceImages[3].tag required.missing",
        "referenceImages[4] type.media_for_object",
      ],
    );
    assert.match(found[0].message, /too_short 3$/);
    const broken = client.anyScalars.run({ scale: 1.5, first: "a", second: "b" }, { validate: true });
    await assert.rejects(broken, (error) => error instanceof segmind.InvalidParameters && /condition.several/.test(error));
  });

  test("a check takes a text of any length in linear time", () => {
    const { client } = gateway();
    for (const [image_urls, rules] of [
      [["data:image/png;base64," + "A".repeat(20_000_000)], []],
      [["https://" + "a:".repeat(100_000)], ["format.uri"]],
      [["https://h/" + "%41".repeat(500_000) + " "], ["format.uri"]],
      [["a".repeat(1_000_000)], ["format.uri"]],
    ]) {
      assert.deepEqual(client.anyParts.check({ ...REQUIRED, image_urls }).map(({ rule }) => rule), rules);
    }
    const long = { ...REQUIRED, image: "A".repeat(20_000_000) };
    assert.deepEqual(client.anyParts.check(long), []);
    assert.deepEqual(client.anyParts.check({ ...long, image: `${long.image}=A` }).map(({ rule }) => rule), ["type.no_member"]);
  });
});
