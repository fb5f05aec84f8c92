"""What the time tracker does: each function is one transaction and returns plain values."""

from timetracker.services.days import DAY_SAVED, SavedDay, day_key, save_day, why_closed
from timetracker.services.months import DayRow, MonthSheet, SumsState, month_sheet
from timetracker.services.summaries import summarise_day, summarise_open_days
from timetracker.services.testdata import SeededData, seed_testdata

__all__ = [
    "DAY_SAVED",
    "DayRow",
    "MonthSheet",
    "SavedDay",
    "SeededData",
    "SumsState",
    "day_key",
    "month_sheet",
    "save_day",
    "seed_testdata",
    "summarise_day",
    "summarise_open_days",
    "why_closed",
]
