"""Monthly health checks of 1830PSS optical networks: from report to tracker."""
