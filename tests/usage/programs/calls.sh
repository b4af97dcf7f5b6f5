#!/usr/bin/env bash
# Calls of the gateway with curl. A comment marks each fault that check-usage must find.
set -euo pipefail

API="https://api.segmind.com/v1"
SLUG=flux-img2img
WRONG=flux_img2img  # fault: slug.misspelt
PROMPT=$1

curl -sS -X POST "$API/$SLUG" \
  -H "x-api-key: $SEGMIND_API_KEY" \
  -H 'Content-Type: application/json' \
  -d '{
    "prompt": "'"$PROMPT"'",
    "image": "https://example.com/image.png",
    "steps": 0,
    "denoise": 0.75,
    "scheduler": "simple",
    "sampler_name": "euler",
    "guidance": 7
  }' -o image.jpg
# fault 6 lines above: range.below
# fault 3 lines above: parameter.unknown

curl "$API/$WRONG" -d @payload.json
curl "$API/$SLUG" -d @payload.json  # fault: body.encoding
curl "$API/$SLUG" -d "{\"seed\": 4, $MORE}"  # fault: body.encoding
curl --request GET "$API/requests/0123"
curl "$API/${MODEL:-flux}" -d '{}'

RESPONSE=$(curl --silent "${API}/flux-img2img" -H "Authorization: Bearer $KEY" --json "{\"prompt\": 1, $MORE}")  # fault: auth.bearer, type.integer_for_string
echo "$RESPONSE" | jq "https://api.segmind.com/v1/see-the-docs" # fault: slug.unknown

curl https://api.segmind.com/v1/style-transfer -H "content-type: application/json" -d @- <<EOF
{"style_image": "https://example.com/$NAME.png",
 "seed": 3.5}
EOF
# fault 2 lines above: type.number_for_integer

for SIZE in 1 2; do curl "$API/$SLUG" -F steps=$SIZE -F image=@file.png -F step=3; done  # fault: parameter.unknown, required.missing
wget "https://api.segmind.com/v1/faceswap-v999" --post-data '{}'  # fault: slug.unknown
