"""The arguments of the front doors, read and checked before any work is done."""
