"""Factorisations of rows: dense, sparse by nested dissection, and pencils. They see matrices alone."""
