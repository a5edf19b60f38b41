"""The gate: mixes any number of frozen experts into one prediction, N to 1."""
