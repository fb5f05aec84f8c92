"""The example site: settings, URLs and server entry points."""
