"""Reads JavaScript, TypeScript, PHP and Go by patterns: tokens, scopes of names, and the values of expressions."""
