"""qemppl: hierarchical Bayesian models in text, fitted by massively parallel importance weighting and QEM."""
