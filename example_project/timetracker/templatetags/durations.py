"""Template filters for minutes: ``{% load durations %}``."""

from django import template

from timetracker.durations import hours_minutes, signed_hours_minutes

register = template.Library()

register.filter("hours_minutes", hours_minutes)
register.filter("signed_hours_minutes", signed_hours_minutes)
