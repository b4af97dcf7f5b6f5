<p>Calls of the gateway. It's a page: "https://api.segmind.com/v1/see-the-docs"</p>
<?php
// A comment marks each fault that check-usage must find.

namespace App;

use GuzzleHttp\Client;

const BASE = 'https://api.segmind.com/v1';
define('OTHER', 'https://api.segmind.com/v2/never-heard-of-it'); # fault: slug.unknown

function by_curl(string $key, string $prompt): string
{
    $data = [
        'prompt' => $prompt,
        'image' => 'https://example.com/image.png',
        'steps' => 51, // fault: range.above
        'denoise' => 0.75,
        'scheduler' => "none", // fault: enum.unknown
        'sampler_name' => 'euler',
        'guidance' => 7, // fault: parameter.unknown
    ];
    $ch = curl_init("https://api.segmind.com/v1/flux-img2img");
    curl_setopt($ch, CURLOPT_POST, true);
    curl_setopt($ch, CURLOPT_POSTFIELDS, json_encode($data));
    curl_setopt($ch, CURLOPT_HTTPHEADER, ["x-api-key: $key", 'Content-Type: application/json']);
    return curl_exec($ch);
}

function by_array(string $key): string
{
    $data = array('prompt' => 'x', 'steps' => 20);
    $data['seed'] = 'twelve'; // fault: type.string_for_integer
    $curl = curl_init(); // fault: body.encoding
    curl_setopt_array($curl, [
        CURLOPT_URL => BASE . '/flux-img2img',
        CURLOPT_CUSTOMREQUEST => 'POST',
        CURLOPT_POSTFIELDS => json_encode($data),
        CURLOPT_HTTPHEADER => ["Authorization: Bearer {$key}"], // fault: auth.bearer
    ]);
    return curl_exec($curl);
}

function by_text(string $key, $form): string
{
    $curl = curl_init(); // fault: required.missing
    curl_setopt_array($curl, array(
        CURLOPT_URL => 'https://api.segmind.com/v1/flux-img2img',
        CURLOPT_POSTFIELDS => '{
            "steps": 0
        }', // fault 1 line above: range.below
        CURLOPT_HTTPHEADER => array('Content-Type: application/json', 'x-api-key: ' . $key),
    ));
    $other = curl_init('https://api.segmind.com/v1/flux-img2img');
    curl_setopt($other, CURLOPT_POSTFIELDS, $form);
    return curl_exec($curl);
}

function unknown(string $url, array $data): void
{
    $curl = curl_init($url);
    curl_setopt($curl, CURLOPT_POSTFIELDS, json_encode($data));
    if (str_starts_with($url, 'https://api.segmind.com/v1/never')) {
        echo "https://api.segmind.com/v1/$url", 'https://api.segmind.com/v1/flux_img2img'; // fault: slug.misspelt
    }
}

class Service
{
    private string $base = 'https://api.segmind.com/v1';
    private const MODEL = 'flux-img2igm'; // fault: slug.misspelt

    public function __construct(private Client $client)
    {
    }

    public function run(array $data): void
    {
        $this->client->post($this->base . '/' . self::MODEL, ['json' => $data]);
        $this->client->request('POST', "{$this->base}/flux-img2img", ['json' => ['steps' => 0] + $data]);
        $this->client->request('POST', BASE . '/flux-img2img', ['json' => [...$data, 'steps' => 0]]); // fault: range.below
        Http::withHeaders(['x-api-key' => KEY])->post(BASE . '/flux-img2img', ['prompt' => 'x']); // fault: required.missing
        $data['steps'] = 900;
        Http::post(BASE . '/flux-img2img', $data);
    }
}
?>
<p>https://api.segmind.com/v1/see-the-docs</p>
