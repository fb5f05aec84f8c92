"""The site's rows in files: which, whose, since when, of one moment."""
