"""How good models are and whether they differ: bootstrap, ANOVA and DeLong's test, and where results are kept."""
