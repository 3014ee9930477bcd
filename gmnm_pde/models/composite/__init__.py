"""Models made of models: scaled, lifted, in patches, in blocks of time."""
