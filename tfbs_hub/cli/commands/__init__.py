"""One command a file: options, one call of the hub, a report."""
