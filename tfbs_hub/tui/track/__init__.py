"""The attribution track: what is in view (`view`), how it is drawn (`rows`), and what was done to it (`subject`)."""
