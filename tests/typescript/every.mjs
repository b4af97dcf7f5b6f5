/** Calls each model with its page's sample, in v1 and in v2, and writes the outputs to files. Prints what they are. */

import { writeFile } from "node:fs/promises";
import * as segmind from "segmind-client";

const client = new segmind.Segmind({ apiKey: "SG_0123456789abcdef", baseUrl: process.env.MOCK_URL });
const found = [];
for (const { slug, property, versions, params } of JSON.parse(process.env.ASKED)) {
  for (const version of versions) {
    const model = client[property];
    const broken = model.check(params);
    const result = version === "v1" ? await model.run(params) : await (await model.submit(params)).output({ intervalMs: 10 });
    const path = `every-${slug}-${version}`;
    await writeFile(path, result.content);
    const kind = Object.keys(segmind).find((name) => segmind[name] === result.constructor);
    const { text, embedding, contentType } = result;
    found.push({ slug, version, kind, contentType, path, text: text ?? null, embedding: embedding?.length ?? null, broken });
  }
}
console.log(JSON.stringify(found));
