"""Pure rules of the synchronisation: no Django, clock, random, files or sockets."""
