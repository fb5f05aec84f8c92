"""The apps that exist, and what shows that each one works alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class App:
    """
    One app and its main command.

    `files` are the site's own, below the project; `before` is run in `manage.py shell`; the
    command's output and that of `after`, in the shell again, hold what is `expected`.
    """

    name: str
    extra: str
    main_command: Sequence[str]
    expected: str
    before: str = "pass"
    after: str = "pass"
    files: dict[str, str] = field(default_factory=dict)


OUTBOX = App(
    name="django_outbox",
    extra="outbox",
    files={
        "shop/outbox_handlers.py": (
            "from django_outbox.handlers import handler\n"
            "\n"
            "\n"
            '@handler("GREET")\n'
            "def greet(job):\n"
            '    with open("greetings.txt", "a") as file:\n'
            "        file.write(f\"Hello {job.payload['name']}\")\n"
        ),
    },
    before=(
        'from django_outbox.dispatcher import enqueue\nenqueue("GREET", payload={"name": "Ada"})'
    ),
    main_command=("worker_run", "--drain"),
    after='print(open("greetings.txt").read())',
    expected="Hello Ada",
)

HEALTH_CHECK_JOB = App(
    name="django_health_check_job",
    extra="health-check-job",
    main_command=("monitor", "--once"),
    expected="Database default         ... OK",
    after=(
        "from django_health_check_job.models import Check\n"
        'print(sorted(Check.objects.values_list("state", flat=True)))'
    ),
)

JOB_AUTOMATION = App(
    name="django_job_automation",
    extra="job-automation",
    before=(
        "from django_job_automation.models import Site\n"
        'Site.objects.get_or_create(site_id="silent")'
    ),
    main_command=("run_daily_job_automation",),
    after=(
        "from django_job_automation.models import Job\n"
        "print([(str(job.site), job.job_type) for job in Job.objects.all()])"
    ),
    expected="[('silent', 'no_coms')]",
)

NETWORK_HC = App(
    name="django_network_hc",
    extra="network-hc",
    before=(
        "from django.core.management import call_command\n"
        "from django_network_hc.models import Network\n"
        'Network.objects.get_or_create(customer="CustomerA", name="Alder_DWDM")\n'
        'call_command("hc_setup", network="Alder_DWDM")'
    ),
    main_command=("hc_setup", "--action", "validate"),
    after=(
        "from django_network_hc.models import Network\n"
        "print([(str(one), one.setup_status) for one in Network.objects.all()])"
    ),
    expected="[('CustomerA/Alder_DWDM', 'READY')]",
)

SYSTEM_OPS = App(
    name="django_system_ops",
    extra="system-ops",
    before=(
        "from pathlib import Path\n"
        "from django.core.management import call_command\n"
        'settings = Path("mysite/settings.py")\n'
        'if not Path("backup.key").exists():\n'
        '    call_command("ops_keygen", output="backup.key")\n'
        "    line = \"MANAGEMENT_COMMANDS = {'backup': {'key_file': 'backup.key'}}\"\n"
        '    settings.write_text(settings.read_text() + line + "\\n")'
    ),
    main_command=("backup_data",),
    after=(
        "from django_system_ops.models import CommandRun\n"
        'print(sorted(CommandRun.objects.values_list("name", "status")))'
    ),
    expected="('backup_data', 'SUCCEEDED')",
)

APPS = (OUTBOX, HEALTH_CHECK_JOB, JOB_AUTOMATION, NETWORK_HC, SYSTEM_OPS)
