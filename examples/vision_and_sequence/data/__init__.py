"""What the networks are trained on: images from files, signals from a formula."""
