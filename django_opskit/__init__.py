"""What every django-opskit app needs and no single one owns: settings, commands, tasks, fields."""
