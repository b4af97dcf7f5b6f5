// Calls of the gateway with net/http. A comment marks each fault that check-usage must find.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
)

const (
	base  = "https://api.segmind.com/v1"
	other = "https://api.segmind.com/v2/never-heard-of-it" // fault: slug.unknown
)

func whole(prompt string) (*http.Response, error) {
	payload := map[string]interface{}{
		"prompt":       prompt,
		"image":        "https://example.com/image.png",
		"steps":        51, // fault: range.above
		"denoise":      0.75,
		"scheduler":    "none", // fault: enum.unknown
		"sampler_name": "euler",
		"guidance":     7, // fault: parameter.unknown
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest("POST", base+"/flux-img2img", bytes.NewBuffer(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("x-api-key", os.Getenv("SEGMIND_API_KEY"))
	req.Header.Set("Content-Type", "application/json")
	return http.DefaultClient.Do(req)
}

func bearer(key string) {
	body := `{
		"prompt": "x",
		"steps": 0
	}` // fault 1 line above: range.below
	req, _ := http.NewRequest(http.MethodPost, fmt.Sprintf("%s/%s", base, "flux-img2img"), strings.NewReader(body)) // fault: required.missing
	req.Header.Set("Authorization", "Bearer "+key) // fault: auth.bearer
}

func plain() {
	url := "https://api.segmind.com/v1/flux-img2img"
	method := "POST"
	payload := strings.NewReader(`{
  "image": "x",
  "steps": 7
}`) // fault 2 lines above: format.uri
	req, err := http.NewRequest(method, url, payload) // fault: required.missing
	if err == nil {
		http.DefaultClient.Do(req)
	}
}

func changed(url string, payload map[string]any) {
	payload["steps"] = 900
	body, _ := json.Marshal(payload)
	http.Post(url, "application/json", bytes.NewReader(body))
	data := map[string]any{"seed": 1}
	data["denoise"] = 3 // fault: range.above
	more, _ := json.Marshal(data)
	http.Post("https://api.segmind.com/v1/flux-img2img", "application/json", bytes.NewReader(more))
	http.Post("https://api.segmind.com/v1/flux_img2img", "text/plain", strings.NewReader("{}")) // fault: slug.misspelt
	http.Get("https://api.segmind.com/v1/requests/0123")
	if strings.HasPrefix(url, "https://api.segmind.com/v1/never") {
		fmt.Println('"', `https://api.segmind.com/v1/`+url)
	}
}
