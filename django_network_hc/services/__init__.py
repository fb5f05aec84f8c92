"""
What the app does: sessions that carry a network from one report to the next.

A session reads its files, judges them against what the database knows, writes all its outputs into
a folder of its own, then changes the database in one transaction, and at last puts the new tracker
in the place of the old one. Killed at any point it has changed everything or nothing, and can be
run again.
"""
