"""The rules in plain Python: what the statements in ``rules`` have to agree with."""
