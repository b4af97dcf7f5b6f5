"""The console under /_mock/: a page for people who look at the mock and control it."""
