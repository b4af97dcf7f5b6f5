"""segforge: clients, OpenAPI documents, a mock server and contract tests from YAML specs of the Segmind API."""
