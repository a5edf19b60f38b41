"""Attributions as files: HDF5, NPZ, TSV, bedGraph and bigWig; and seqlets as TSV or BED.

The formats are described in docs/formats/attribution.md. Coordinates are 0-based and half-open everywhere.
"""
