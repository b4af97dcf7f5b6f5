"""The mock gateway: decides every refusal, and answers runs, jobs and files."""
