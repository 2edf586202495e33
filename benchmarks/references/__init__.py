"""Reference posteriors of the examples, by long NUTS runs of the same densities in NumPyro."""
