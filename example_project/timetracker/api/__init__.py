"""This site's own task list, in the form that :mod:`timetracker.sync.contract` describes."""
