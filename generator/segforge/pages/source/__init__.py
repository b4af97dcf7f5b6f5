"""Opens saved pages as text with traced places, and cuts them into sections."""
