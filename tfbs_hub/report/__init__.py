"""Figures and the one-file HTML report of an evaluation."""
