"""Emits the TypeScript client."""
