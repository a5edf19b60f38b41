"""Experts for tfbs-hub as data: `tfbs_hub.toml` lists them, `experts/` holds weights and cards; there is no code."""
