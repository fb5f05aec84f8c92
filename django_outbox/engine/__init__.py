"""Pure rules: no Django, no clock, no random, no sockets."""
