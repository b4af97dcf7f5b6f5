// Calls of the gateway with fetch, axios and the generated client. A comment marks each fault that check-usage must find.
// The address https://api.segmind.com/v1/no-such-model in a comment is no call, and 'neither' is "this`.
import axios, { type AxiosInstance } from "axios";
import { Segmind, FluxImg2img as Redraw, type FluxImg2imgParams } from "segmind-client";

const BASE_URL = "https://api.segmind.com/v1";
const KEY = process.env.SEGMIND_API_KEY!;
const ENDPOINT = process.env.SEGMIND_URL ?? 'https://api.segmind.com/v1/flux_img2img'; // fault: slug.misspelt
const DOCS = "https://www.segmind.com/models/flux-img2img/api";
const PATTERN = /https:\/\/api\.segmind\.com\/v1\/"never/g;
const headers = { "x-api-key": KEY, "Content-Type": "application/json" };

export async function whole(prompt: string): Promise<ArrayBuffer> {
  const response = await fetch(`${BASE_URL}/flux-img2img`, {
    method: "POST",
    headers,
    body: JSON.stringify({
      prompt,
      image: "https://example.com/image.png",
      steps: 20,
      denoise: 0.75,
      scheduler: "simple",
      sampler_name: "any name, since the page shows ten of 26",
    }),
  });
  return response.arrayBuffer();
}

export async function wrong(prompt: string) {
  const body: Record<string, unknown> = {
    prompt: `${prompt}, "anime style"`,
    image: undefined,
    steps: 51, // fault: range.above
    denoise: -0.5, // fault: range.below
    "scheduler": 'none', // fault: enum.unknown
    seed: "12", // fault: type.string_for_integer
    guidance: 7, // fault: parameter.unknown
    base64: null, // fault: null.not_nullable
  };
  body.sampler_name = 3; // fault: type.integer_for_string
  const response = await fetch(BASE_URL + "/flux-img2img", { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`failed: ${response.status} ${await response.text()} // not a comment`);
}

export const unknown = async () => {
  await axios.post("https://api.segmind.com/v2/never-heard-of-it", { steps: 0 }, { headers }); // fault: slug.unknown
  await axios.post<Blob>(`${BASE_URL}/flux-img2img`, { prompt: "x" }, { headers, responseType: "blob" }); // fault: required.missing
  await axios({ url: `${BASE_URL}/flux-img2img`, method: "post", data: { steps: 0, ...rest() }, headers }); // rest() may replace it
  await axios({ method: "POST", url: `${BASE_URL}/flux-img2img`, data: { ...rest(), steps: 0 }, headers }); // fault: range.below
  await axios.get(`${BASE_URL}/requests/0123`);
  await got.post(`${BASE_URL}/flux-img2img`, { json: { ...rest(), step: 1 }, headers: { Authorization: `Bearer ${KEY}` } }); // fault: auth.bearer, parameter.unknown
};

const rest = (steps = 900) => ({ steps });

async function changed(url: string, data: Record<string, unknown>) {
  await fetch(url, { method: "POST", body: JSON.stringify(data) });
  let options = { steps: 900 };
  options = rest();
  const more = { steps: 900 };
  Object.assign(more, options);
  await fetch(`${BASE_URL}/flux-img2img`, { method: "POST", headers, body: JSON.stringify(more) });
  await fetch(`${BASE_URL}/flux-img2img`, { method: "POST", headers: { "x-api-key": KEY }, body: JSON.stringify(options) }); // fault: body.encoding
  await fetch(`${BASE_URL}/${url}`, { method: "POST" });
  if (url.startsWith("https://api.segmind.com/v1/never")) return fast ? `${BASE_URL}/sd1.5-paragon` : null; // fault: slug.unlisted
}

class Service {
  private readonly baseUrl: string = "https://api.segmind.com/v1";
  private model = "flux-img2igm"; // fault: slug.misspelt
  #client = new Segmind();

  constructor(private http: AxiosInstance) {}

  run(params: object) {
    return this.http.post(`${this.baseUrl}/${this.model}`, params);
  }
}

const client = new Segmind({ validate: true });
const params: FluxImg2imgParams = { prompt: "x", image: DOCS, steps: 0.5, denoise: 1, scheduler: "simple", sampler_name: "y" }; // fault: type.number_for_integer
await client.fluxImg2img.run(params);
await client.fluxImgImg.submit(params); // fault: slug.unknown
await client.run("flux-img2mg", { steps: 0 }); // fault: slug.misspelt
await client.runSync("flux-img2img", { ...params, steps: 77 }, { timeoutMs: 1000 }); // fault: range.above
await client.gather([1].map((steps) => () => client.fluxImg2img.run({ ...params, steps })));
client.fluxImg2img.check({ steps: 0 });
const alone = new Redraw();
await alone.run({ ...rest(), denoise: 2 }); // fault: range.above
async function forms(form: FormData, session: Session) {
  await fetch(`${BASE_URL}/flux-img2img`, { method: "POST", headers: { "x-api-key": KEY }, body: form });
  const data = { steps: 900 };
  await axios.post(`${BASE_URL}/flux-img2img`, { ...(form ? data : {}), prompt() {} }, { headers });
  for (const steps of [900]) await axios.post(`${BASE_URL}/flux-img2img`, { ...rest(), steps }, { headers });
  const later = { steps: 900 };
  if (form) later.steps = 20;
  await axios.post(`${BASE_URL}/flux-img2img`, { ...rest(), ...later }, { headers });
}
async function typed(own: Segmind, other: Other) {
  await own.styleTransfer.run({ style_image: 1 }); // fault: type.integer_for_string
  await other.styleTransfer.run({ style_image: 1 });
}
