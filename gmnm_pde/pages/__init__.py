"""Pages for a browser: one file each, with everything in it and no request to anywhere."""
