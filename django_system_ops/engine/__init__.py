"""Rules in pure Python: no Django, clock, files or sockets."""
