"""What goes in and out, for the OpenAPI schema; the services check it."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

__all__ = [
    "DashboardSchema",
    "ProblemSchema",
    "RunRequestSchema",
    "RunResultSchema",
    "SettingsChangeSchema",
    "SettingsSchema",
]

_Fields = serializers.Serializer


class RuleSchema(_Fields):  # type: ignore[type-arg]  # not generic at run time
    """What can be set of every rule."""

    enabled = serializers.BooleanField(required=False)
    job_type_id = serializers.CharField(required=False, max_length=50)
    check_duplicate = serializers.BooleanField(required=False)
    auto_close_after_clean_runs = serializers.IntegerField(required=False)


class NoComsSchema(RuleSchema):
    """The rule for silent sites."""

    days_threshold = serializers.FloatField(required=False)


class ZeroReadsSchema(RuleSchema):
    """The rule for flat registers."""

    days_to_check = serializers.FloatField(required=False)
    readings_to_compare = serializers.IntegerField(required=False)
    min_increase = serializers.FloatField(required=False)


class UnderperformanceSchema(RuleSchema):
    """The rule for sites that count much less than their group."""

    days_to_check = serializers.FloatField(required=False)
    percent_of_median = serializers.FloatField(required=False)
    min_sites = serializers.IntegerField(required=False)


class SettingsChangeSchema(_Fields):  # type: ignore[type-arg]
    """What is to be set; keys that are left out are as in the settings module, or as before."""

    NO_COMS = NoComsSchema(required=False)
    ZERO_READS = ZeroReadsSchema(required=False)
    UNDERPERFORMANCE = UnderperformanceSchema(required=False)


class SettingsSchema(SettingsChangeSchema):
    """The settings of the rules as they hold, and the version of what was set."""

    version = serializers.IntegerField()


class ProblemSchema(_Fields):  # type: ignore[type-arg]
    """What was wrong."""

    success = serializers.BooleanField(default=False)
    error = serializers.CharField()
    problems = serializers.ListField(child=serializers.CharField(), required=False)


class RunRequestSchema(_Fields):  # type: ignore[type-arg]
    """How to run; everything may be left out."""

    dry_run = serializers.BooleanField(required=False)
    as_of = serializers.DateTimeField(required=False)
    sites = serializers.ListField(child=serializers.CharField(), required=False)


class RuleResultSchema(_Fields):  # type: ignore[type-arg]
    """What one rule came to."""

    rule = serializers.CharField()
    enabled = serializers.BooleanField()
    found = serializers.IntegerField()
    created = serializers.IntegerField()
    closed = serializers.IntegerField()
    noted = serializers.IntegerField()
    incident = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)


class RunResultSchema(_Fields):  # type: ignore[type-arg]
    """A run; ``task`` in place of it when a worker does it."""

    success = serializers.BooleanField()
    created_jobs = serializers.IntegerField(allow_null=True)
    run = serializers.IntegerField(allow_null=True)
    task = serializers.CharField(allow_null=True)
    dry_run = serializers.BooleanField()
    rules = RuleResultSchema(many=True)


class SummarySchema(_Fields):  # type: ignore[type-arg]
    """The numbers above all."""

    total_no_coms = serializers.IntegerField()
    total_zero_reads = serializers.IntegerField()
    jobs_created_today = serializers.IntegerField()
    jobs_created_week = serializers.IntegerField()
    last_run = serializers.DateTimeField(allow_null=True)
    last_run_outcome = serializers.CharField(allow_null=True)


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string"}]})
class _Key(serializers.Field):  # type: ignore[type-arg]
    """A primary key: a number in the app's own table, and what yours has in yours."""


class RecentJobSchema(_Fields):  # type: ignore[type-arg]
    """One of the newest jobs."""

    id = _Key()
    site_id = serializers.CharField()
    site_name = serializers.CharField()
    job_type = serializers.CharField()
    created_at = serializers.DateTimeField()
    status = serializers.CharField()


class DaySchema(_Fields):  # type: ignore[type-arg]
    """The jobs of one day."""

    date = serializers.CharField()
    day = serializers.DateField()
    no_coms = serializers.IntegerField()
    zero_reads = serializers.IntegerField()


class DashboardSchema(_Fields):  # type: ignore[type-arg]
    """How it stands."""

    summary = SummarySchema()
    recent_jobs = RecentJobSchema(many=True)
    daily_stats = DaySchema(many=True)
