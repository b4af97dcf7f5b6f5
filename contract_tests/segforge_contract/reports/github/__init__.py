"""Reports that GitHub shows: annotations beside the lines of a change, and the summary of a step."""
