"""The synchronisation of tasks, against real HTTP servers."""
