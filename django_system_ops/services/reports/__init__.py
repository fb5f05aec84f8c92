"""Reports: figures about the rows of a period, and the files that show them."""
