"""The models that a mock serves, and how it reads their payloads."""
