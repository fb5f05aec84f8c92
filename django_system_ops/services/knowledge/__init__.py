"""A knowledge base from version to version: steps of the site's own, batch by batch, and back."""
