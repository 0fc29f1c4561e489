"""Links, pixels and bounce addresses that carry what they need, under a MAC."""
