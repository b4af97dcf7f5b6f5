"""HTTP: requests, answers, their delivery, and the server."""
