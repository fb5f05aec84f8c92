"""Operations of a site: runs of commands, backups, cleanup, checks, monitoring."""
