"""A source of training sequences for tfbs-hub: peaks of the ENCODE portal, cut from a genome."""
