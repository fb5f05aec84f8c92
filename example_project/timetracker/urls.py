"""Addresses of the time tracker's pages."""

from django.urls import path, register_converter

from timetracker import views
from timetracker.converters import DayConverter, MonthConverter

register_converter(DayConverter, "day")
register_converter(MonthConverter, "month")

app_name = "timetracker"
urlpatterns = [
    path("", views.home, name="home"),
    path("month/", views.this_month, name="this-month"),
    path("today/", views.today, name="today"),
    path("employees/<int:employee_id>/<month:first>/", views.month, name="month"),
    path("employees/<int:employee_id>/<day:day>/", views.day, name="day"),
]
