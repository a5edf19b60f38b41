"""The jobs that the hub offers, each wired from the parts beneath: one job a file."""
