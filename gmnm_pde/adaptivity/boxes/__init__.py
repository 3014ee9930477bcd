"""What makes boxes that share their faces finer: smaller ones, higher degrees, and which to begin with."""
