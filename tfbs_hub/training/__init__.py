"""Training: one fit loop for experts and gates, early stopping, resumption, search."""
