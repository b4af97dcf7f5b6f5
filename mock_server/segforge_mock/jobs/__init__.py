"""Jobs of v2: their records, their states and the policies that move them."""
