"""Pure rules: no Django, no clock, no files, no sockets."""
