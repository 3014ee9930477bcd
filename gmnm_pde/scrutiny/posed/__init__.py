"""Whether a problem is well-posed, as far as its equations and conditions tell before a solve."""
