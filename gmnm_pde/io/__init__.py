"""Solutions to and from files."""
