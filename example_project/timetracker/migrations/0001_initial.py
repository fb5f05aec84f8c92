import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.math
import django_opskit.fields
import simple_history.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TaskCache",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "external_id",
                    django_opskit.fields.KeyField(
                        max_length=64, unique=True, verbose_name="external id"
                    ),
                ),
                ("display_name", models.CharField(max_length=255, verbose_name="name")),
                (
                    "project_phase",
                    models.CharField(blank=True, max_length=100, verbose_name="project phase"),
                ),
                (
                    "department",
                    models.CharField(blank=True, max_length=100, verbose_name="department"),
                ),
                (
                    "discipline",
                    models.CharField(blank=True, max_length=100, verbose_name="discipline"),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "source_updated_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="changed at the source"
                    ),
                ),
                (
                    "synced_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="synchronised"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated")),
            ],
            options={
                "verbose_name": "task",
                "verbose_name_plural": "tasks",
                "ordering": ("display_name", "pk"),
            },
        ),
        migrations.CreateModel(
            name="Employee",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254, verbose_name="email address")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "daily_norm_minutes",
                    models.PositiveSmallIntegerField(
                        default=480, verbose_name="daily norm (minutes)"
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="employee",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "employee",
                "verbose_name_plural": "employees",
                "ordering": ("email", "pk"),
            },
        ),
        migrations.CreateModel(
            name="DaySummary",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("date", models.DateField(verbose_name="date")),
                ("total_minutes", models.SmallIntegerField(verbose_name="worked (minutes)")),
                ("norm_minutes", models.SmallIntegerField(verbose_name="norm (minutes)")),
                (
                    "balance_minutes",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.expressions.CombinedExpression(
                            models.F("total_minutes"), "-", models.F("norm_minutes")
                        ),
                        output_field=models.SmallIntegerField(),
                        verbose_name="balance (minutes)",
                    ),
                ),
                ("entries_count", models.PositiveSmallIntegerField(verbose_name="entries")),
                ("computed_at", models.DateTimeField(verbose_name="computed")),
                (
                    "employee",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="day_summaries",
                        to="timetracker.employee",
                        verbose_name="employee",
                    ),
                ),
            ],
            options={
                "verbose_name": "day summary",
                "verbose_name_plural": "day summaries",
                "ordering": ("-date", "pk"),
            },
        ),
        migrations.CreateModel(
            name="HistoricalEmployee",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        auto_created=True, blank=True, db_index=True, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254, verbose_name="email address")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "daily_norm_minutes",
                    models.PositiveSmallIntegerField(
                        default=480, verbose_name="daily norm (minutes)"
                    ),
                ),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_id",
                    models.BigAutoField(editable=False, primary_key=True, serialize=False),
                ),
                ("history_date", models.DateTimeField(db_index=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "change of an employee",
                "verbose_name_plural": "changes of employees",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalTimeEntry",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        auto_created=True, blank=True, db_index=True, verbose_name="ID"
                    ),
                ),
                ("date", models.DateField(verbose_name="date")),
                (
                    "duration_minutes",
                    models.PositiveSmallIntegerField(verbose_name="duration (minutes)"),
                ),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_id",
                    models.BigAutoField(editable=False, primary_key=True, serialize=False),
                ),
                ("history_date", models.DateTimeField(db_index=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
                (
                    "employee",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="timetracker.employee",
                        verbose_name="employee",
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="timetracker.taskcache",
                        verbose_name="task",
                    ),
                ),
            ],
            options={
                "verbose_name": "change of a time entry",
                "verbose_name_plural": "changes of time entries",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="TaskSource",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("url", django_opskit.fields.KeyField(max_length=512, verbose_name="address")),
                ("etag", models.CharField(blank=True, max_length=255, verbose_name="ETag")),
                ("cursor", models.CharField(blank=True, max_length=64, verbose_name="cursor")),
                (
                    "full_synced_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="last full run"),
                ),
                ("synced_at", models.DateTimeField(blank=True, null=True, verbose_name="last run")),
                ("lease_token", models.UUIDField(editable=False, null=True)),
                ("leased_until", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "verbose_name": "task source",
                "verbose_name_plural": "task sources",
                "ordering": ("url",),
                "constraints": [
                    models.UniqueConstraint(fields=("url",), name="task_source_url_once"),
                    models.CheckConstraint(
                        condition=models.Q(("url", ""), _negated=True),
                        name="task_source_url_not_empty",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="taskcache",
            name="source",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="tasks",
                to="timetracker.tasksource",
                verbose_name="task source",
            ),
        ),
        migrations.CreateModel(
            name="SyncRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("full", "full"), ("incremental", "incremental")],
                        max_length=16,
                        verbose_name="mode",
                    ),
                ),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("running", "running"),
                            ("succeeded", "succeeded"),
                            ("failed", "failed"),
                        ],
                        default="running",
                        max_length=16,
                        verbose_name="outcome",
                    ),
                ),
                ("started_at", models.DateTimeField(verbose_name="started")),
                (
                    "finished_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="finished"),
                ),
                ("added", models.PositiveIntegerField(default=0, verbose_name="added")),
                ("updated", models.PositiveIntegerField(default=0, verbose_name="updated")),
                ("deactivated", models.PositiveIntegerField(default=0, verbose_name="deactivated")),
                ("unchanged", models.PositiveIntegerField(default=0, verbose_name="unchanged")),
                ("rejected", models.PositiveIntegerField(default=0, verbose_name="rejected")),
                ("error", models.TextField(blank=True, verbose_name="error")),
                (
                    "source",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="timetracker.tasksource",
                        verbose_name="task source",
                    ),
                ),
            ],
            options={
                "verbose_name": "synchronisation",
                "verbose_name_plural": "synchronisations",
                "ordering": ("-started_at", "-pk"),
            },
        ),
        migrations.CreateModel(
            name="HistoricalTaskCache",
            fields=[
                (
                    "id",
                    models.BigIntegerField(
                        auto_created=True, blank=True, db_index=True, verbose_name="ID"
                    ),
                ),
                (
                    "external_id",
                    django_opskit.fields.KeyField(
                        db_index=True, max_length=64, verbose_name="external id"
                    ),
                ),
                ("display_name", models.CharField(max_length=255, verbose_name="name")),
                (
                    "project_phase",
                    models.CharField(blank=True, max_length=100, verbose_name="project phase"),
                ),
                (
                    "department",
                    models.CharField(blank=True, max_length=100, verbose_name="department"),
                ),
                (
                    "discipline",
                    models.CharField(blank=True, max_length=100, verbose_name="discipline"),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "source_updated_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="changed at the source"
                    ),
                ),
                (
                    "synced_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="synchronised"),
                ),
                (
                    "created_at",
                    models.DateTimeField(blank=True, editable=False, verbose_name="created"),
                ),
                (
                    "updated_at",
                    models.DateTimeField(blank=True, editable=False, verbose_name="updated"),
                ),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_id",
                    models.BigAutoField(editable=False, primary_key=True, serialize=False),
                ),
                ("history_date", models.DateTimeField(db_index=True)),
                (
                    "history_type",
                    models.CharField(
                        choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1
                    ),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="timetracker.tasksource",
                        verbose_name="task source",
                    ),
                ),
            ],
            options={
                "verbose_name": "change of a task",
                "verbose_name_plural": "changes of tasks",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="TimeEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("date", models.DateField(verbose_name="date")),
                (
                    "duration_minutes",
                    models.PositiveSmallIntegerField(verbose_name="duration (minutes)"),
                ),
                (
                    "hours_decimal",
                    models.GeneratedField(
                        db_persist=True,
                        expression=django.db.models.functions.math.Round(
                            django.db.models.expressions.CombinedExpression(
                                models.F("duration_minutes"), "/", models.Value(60.0)
                            ),
                            precision=2,
                        ),
                        output_field=models.DecimalField(decimal_places=2, max_digits=5),
                        verbose_name="hours",
                    ),
                ),
                (
                    "employee",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="time_entries",
                        to="timetracker.employee",
                        verbose_name="employee",
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="time_entries",
                        to="timetracker.taskcache",
                        verbose_name="task",
                    ),
                ),
            ],
            options={
                "verbose_name": "time entry",
                "verbose_name_plural": "time entries",
                "ordering": ("date", "pk"),
            },
        ),
        migrations.AddConstraint(
            model_name="employee",
            constraint=models.CheckConstraint(
                condition=models.Q(("daily_norm_minutes__range", (0, 1440))),
                name="employee_norm_fits_a_day",
                violation_error_message="The daily norm must be 0 to 1440 minutes.",
            ),
        ),
        migrations.AddConstraint(
            model_name="daysummary",
            constraint=models.UniqueConstraint(
                fields=("employee", "date"), name="day_summary_once_per_day"
            ),
        ),
        migrations.AddConstraint(
            model_name="daysummary",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("total_minutes__range", (0, 1440)), ("norm_minutes__range", (0, 1440))
                ),
                name="day_summary_fits_a_day",
            ),
        ),
        migrations.AddIndex(
            model_name="taskcache",
            index=models.Index(fields=["updated_at", "id"], name="task_updated"),
        ),
        migrations.AddConstraint(
            model_name="taskcache",
            constraint=models.CheckConstraint(
                condition=models.Q(("external_id", ""), _negated=True),
                name="task_external_id_not_empty",
            ),
        ),
        migrations.AddIndex(
            model_name="syncrun",
            index=models.Index(fields=["source", "-started_at"], name="sync_run_source_started"),
        ),
        migrations.AddConstraint(
            model_name="syncrun",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at", None), ("outcome", "running")),
                    models.Q(
                        models.Q(("outcome", "running"), _negated=True),
                        ("finished_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="sync_run_finished_when_it_ended",
            ),
        ),
        migrations.AddConstraint(
            model_name="syncrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("outcome__in", ["running", "succeeded", "failed"])),
                name="sync_run_outcome_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="syncrun",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["full", "incremental"])),
                name="sync_run_mode_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="timeentry",
            constraint=models.UniqueConstraint(
                fields=("employee", "date", "task"), name="time_entry_once_per_day_and_task"
            ),
        ),
        migrations.AddConstraint(
            model_name="timeentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("duration_minutes__range", (1, 1440))),
                name="time_entry_duration_fits_a_day",
                violation_error_message="The duration must be 1 to 1440 minutes.",
            ),
        ),
    ]
