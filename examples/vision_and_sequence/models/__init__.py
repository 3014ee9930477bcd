"""Networks with and without a Gaussian mixture in them."""
