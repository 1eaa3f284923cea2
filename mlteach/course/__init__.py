"""The course as a product: lessons built from their sources, run, and proven; the command line calls these."""
