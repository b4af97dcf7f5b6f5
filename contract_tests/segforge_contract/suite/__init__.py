"""The rules as pytest tests: `pytest --segforge-target URL --pyargs segforge_contract`."""
