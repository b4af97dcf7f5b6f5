/** The provider for the AI SDK of Vercel, with the real SDK, on the mock. */

import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { createProviderRegistry, experimental_generateVideo, generateImage } from "ai";
import { CannotSend, InferenceFailed, SegmindError } from "segmind-client";
import { createSegmind } from "segmind-client/ai";
import { MOCK, Tenant } from "./mock.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;

const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0);
let tenant;
let segmind;

beforeEach(async () => {
  tenant = new Tenant();
  await tenant.admin("POST", "jobs/policy", { policy: "instant" });
  segmind = createSegmind({ apiKey: tenant.key, baseUrl: MOCK, clock: tenant.clock });
});

/** Returns the bodies of all calls, with the routes. */
async function sent() {
  return (await tenant.requests("POST")).map(({ path, request }) => [path, JSON.parse(request.body)]);
}

describe("images", () => {
  test("a model without jobs answers in one request, with its settings", async () => {
    const model = segmind.image("flux-schnell");
    const { image, warnings, providerMetadata, responses } = await generateImage({
      model,
      prompt: "A cat",
      seed: 7,
      aspectRatio: "16:9",
      providerOptions: { segmind: { steps: 2 } },
    });
    assert.match(image.mediaType, /^image\//);
    assert.ok(image.uint8Array.length > 10);
    assert.equal(responses[0].modelId, "flux-schnell");
    assert.ok(providerMetadata.segmind.images[0].cost > 0);
    const [[path, body]] = await sent();
    assert.match(path, /flux-schnell/);
    assert.equal(body.prompt, "A cat");
    assert.equal(body.seed, 7);
    assert.equal(body.steps, 2);
    assert.equal(body.aspect_ratio ?? warnings[0]?.feature, "aspect_ratio" in body ? "16:9" : "aspectRatio");
  });

  for (const [slug, name] of [["kandinsky2.1-txt2im", "samples"], ["style-transfer", "number_of_images"]]) {
    test(`several images in one call: ${slug}`, async () => {
      const prompt = slug === "style-transfer" ? { text: "A cat", images: [PNG] } : "A cat";
      const { images } = await generateImage({ model: segmind.image(slug), prompt, n: 3 });
      assert.equal(images.length, 3);
      assert.deepEqual((await sent()).map(([, body]) => body[name]), [3]);
    });
  }

  test("several images by several calls, if the page doesn't state that one call can return them", async () => {
    const { images } = await generateImage({ model: segmind.image("flux-kontext-pro"), prompt: { text: "x", images: [PNG] }, n: 2 });
    assert.equal(images.length, 2);
    assert.equal((await sent()).length, 2);
  });

  test("an image with a width and a height", async () => {
    await generateImage({ model: segmind.image("sdxl1.0-txt2img"), prompt: "A cat", size: "768x512" });
    const [[, body]] = await sent();
    assert.deepEqual([body.img_width, body.img_height], [768, 512]);
  });

  test("a model edits an image", async () => {
    const { image } = await generateImage({
      model: segmind.image("flux-kontext-pro"),
      prompt: { text: "Make it blue", images: [PNG] },
    });
    assert.ok(image.base64);
    const [[, body]] = await sent();
    assert.match(JSON.stringify(body), /data:image\/png;base64,iVBORw0KGgoA"/);
  });

  test("an image that the model has no parameter for is refused, and nothing is sent", async () => {
    const prompt = { text: "Make it blue", images: [PNG] };
    await assert.rejects(generateImage({ model: segmind.image("flux-schnell"), prompt }), CannotSend);
    const masked = { ...prompt, mask: PNG };
    await assert.rejects(generateImage({ model: segmind.image("flux-img2img"), prompt: masked }), /mask/);
    assert.deepEqual(await sent(), []);
  });

  test("a listed model without a spec", async () => {
    const { image, warnings } = await generateImage({ model: segmind.image("flux-1.1-pro"), prompt: "A cat", size: "8x8" });
    assert.ok(image.uint8Array.length);
    assert.deepEqual(warnings.map(({ feature }) => feature), ["size"]);
  });

  test("a call whose outcome is unknown is not sent again, and the error is the client's", async () => {
    await tenant.admin("POST", "rules", { scenario: "run-failed", route: "run" });
    await tenant.admin("POST", "rules", { scenario: "run-failed", route: "submit" });
    await assert.rejects(generateImage({ model: segmind.image("flux-schnell"), prompt: "A cat" }), (error) => {
      assert.ok(error instanceof SegmindError && error.maybeBilled);
      assert.ok(!JSON.stringify(error).includes(tenant.key));
      return true;
    });
    assert.equal((await sent()).length, 1);
  });
});

describe("videos", () => {
  const settings = {
    prompt: "A cat",
    duration: 5,
    aspectRatio: "16:9",
    providerOptions: { segmind: { resolution: "480p" } },
  };
  const asked = (more) => experimental_generateVideo({ model: segmind.video("seedance-pro"), ...settings, ...more });

  test("a video has its settings, and comes as bytes", async () => {
    const { video, warnings } = await asked({ seed: 3, fps: 24 });
    assert.match(video.mediaType, /^video\//);
    assert.ok(video.uint8Array.length > 10);
    assert.deepEqual(warnings.map(({ feature }) => feature), ["fps"]);
    const body = { prompt: "A cat", seed: 3, duration: 5, aspect_ratio: "16:9", resolution: "480p" };
    assert.deepEqual(await sent(), [["/v2/seedance-pro", body]]);
  });

  test("a setting that the page excludes is a warning", async () => {
    const { warnings } = await experimental_generateVideo({
      ...{ model: segmind.video("seedance-pro"), ...settings, duration: 7 },
      providerOptions: { segmind: { resolution: "480p", duration: 10 } },
    });
    assert.match(warnings[0].details, /7 as duration/);
    assert.equal((await sent())[0][1].duration, 10);
  });

  test("a video is polled by the SDK", async () => {
    await tenant.admin("POST", "jobs/policy", { policy: "polls=2" });
    const { video } = await asked({ poll: { intervalMs: 1 } });
    assert.ok(video.uint8Array.length > 10);
    assert.equal((await sent()).length, 1);
  });

  test("a job that fails is an error of the client's wait, and of the SDK's polls", async () => {
    await tenant.admin("POST", "rules", { scenario: "job-blocked" });
    await assert.rejects(asked(), InferenceFailed);
    await assert.rejects(asked({ poll: { intervalMs: 1 } }), /Content blocked/);
    assert.equal((await sent()).length, 2);
  });

  test("the first and the last frame", async () => {
    const model = segmind.video("veo-3.1-fast");
    const frameImages = [{ image: PNG, frameType: "first_frame" }, { image: PNG.with(8, 1), frameType: "last_frame" }];
    await experimental_generateVideo({ model, prompt: "It moves", frameImages });
    const [[path, body]] = await sent();
    assert.equal(path, "/v1/veo-3.1-fast");
    assert.deepEqual([body.image, body.last_frame].map((url) => url.slice(-4)), ["GgoA", "GgoB"]);
  });

  test("a frame or a reference that the model has no parameter for is refused, and nothing is sent", async () => {
    const model = segmind.video("hailuo-02-fast");
    const frameImages = [{ image: PNG, frameType: "last_frame" }];
    await assert.rejects(experimental_generateVideo({ model, prompt: "It moves", frameImages }), /last frame/);
    await assert.rejects(experimental_generateVideo({ model, prompt: "It moves", inputReferences: [PNG] }), CannotSend);
    assert.deepEqual(await sent(), []);
  });
});

describe("the provider", () => {
  test("a registry finds its models", async () => {
    const registry = createProviderRegistry({ segmind });
    const { image } = await generateImage({ model: registry.imageModel("segmind:flux-schnell"), prompt: "A cat" });
    assert.ok(image.base64);
    assert.throws(() => segmind.languageModel("gpt-4"), /segmind-client\/chat/);
  });
});
