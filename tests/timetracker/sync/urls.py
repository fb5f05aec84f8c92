"""Addresses for the tests of the API: nothing else is needed."""

from django.urls import include, path

urlpatterns = [path("api/", include("timetracker.api.urls"))]
