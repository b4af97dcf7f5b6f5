"""Checks: code that judges an answer, an image, a job or a balance."""
