// A page that shows an image. A comment marks each fault that check-usage must find.
const { Segmind } = require("segmind-client");

export default function Page({ url }) {
  const draw = async () => {
    await fetch("https://api.segmind.com/v1/" + "flux-img2img", {
      method: "POST",
      headers: { "x-api-key": url, "content-type": "application/json" },
      body: `{"steps": 60, "prompt": "${url}"}`, // fault: range.above
    }); // fault 4 lines above: required.missing
    await fetch(url ? "https://api.segmind.com/v1/faceswap-v44" : url); // fault: slug.unknown
  };
  return <p title="Don't">It's {url} /</p>;
}
