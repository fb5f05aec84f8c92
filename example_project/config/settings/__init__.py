"""Settings: ``base`` is what all sites share, the other modules say where they differ."""
