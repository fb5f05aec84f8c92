"""
What Django's Tasks API promises, asked of every backend at hand.

The suite knows nothing of the outbox: it is proved on Django's own backends and on
django-tasks-db, and ours has to pass the same tests.
"""
