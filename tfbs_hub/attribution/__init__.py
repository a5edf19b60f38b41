"""Which bases mattered: attribution methods, (model, x) to the shape of x, and what is made of them."""
